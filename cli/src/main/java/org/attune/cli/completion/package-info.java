/// Completion of commands, options and keys in a [Shell].
package org.attune.cli.completion;
