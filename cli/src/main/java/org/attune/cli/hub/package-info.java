/// Commands that exchange files with the Hub: `attune download` and `upload`.
package org.attune.cli.hub;
