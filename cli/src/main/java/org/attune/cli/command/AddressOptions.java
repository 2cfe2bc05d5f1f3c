package org.attune.cli.command;

import picocli.CommandLine.Option;

import java.util.List;

/// Where a command that serves is found by its clients; each has a port of its own.
public final class AddressOptions {
    @Option(
            names = "--host",
            defaultValue = "127.0.0.1",
            description = "Address to listen at (default: ${DEFAULT-VALUE}).")
    public String host;

    @Option(
            names = "--allow-host",
            paramLabel = "NAME",
            description = "A name of this server in requests, as behind a proxy.")
    public List<String> hosts = List.of();
}
