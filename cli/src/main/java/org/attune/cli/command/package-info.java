/// What commands share: options ([CommonOptions], [ModelOptions]), exit codes, what Ctrl-C does.
package org.attune.cli.command;
