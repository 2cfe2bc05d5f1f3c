/// What is written to a terminal: [RunScreen] keeps a line below all others, [VisibleText] makes
/// texts of models harmless, [TextTable] lays out rows.
package org.attune.cli.terminal;
