/// Rows of a run as the model sees them, for `attune preview` and for agents.
package org.attune.cli.preview;
