package org.attune.cli.command;

import picocli.CommandLine.Option;

import java.util.List;

/// Where clients find a command that serves, but for its port.
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
