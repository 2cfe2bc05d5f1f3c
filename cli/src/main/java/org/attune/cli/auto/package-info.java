/// Parts of `attune auto`: asking what columns are ([ColumnDialogue]), and judging answers that are
/// one of a few classes.
package org.attune.cli.auto;
