/// The command line: `attune COMMAND`. Read [Main], then [AttuneCommand] and a command, for example
/// [ChatCommand].
package org.attune.cli;
