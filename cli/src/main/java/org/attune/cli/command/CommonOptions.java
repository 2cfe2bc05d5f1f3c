package org.attune.cli.command;

import picocli.CommandLine.Option;

/// Options that every command understands.
public final class CommonOptions {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    boolean help;

    @Option(names = "--stacktrace", description = "Show where in the program a failure happened.")
    public boolean stacktrace;

    @Option(
            names = {"-v", "--verbose"},
            description = "Log more.")
    public boolean verbose;

    @Option(
            names = {"-q", "--quiet"},
            description = "Log warnings only.")
    public boolean quiet;
}
