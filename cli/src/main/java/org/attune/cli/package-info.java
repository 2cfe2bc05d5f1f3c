/// The command line: `attune COMMAND`. Read [Main], then [AttuneCommand] and a command, for example
/// [org.attune.cli.chat.ChatCommand]. Commands stand in packages by what they are for; here are
/// those that train, and those about Attune itself.
package org.attune.cli;
