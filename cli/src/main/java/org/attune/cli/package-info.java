/// The command line: `attune COMMAND`. Read [org.attune.cli.Main], then a command.
package org.attune.cli;
