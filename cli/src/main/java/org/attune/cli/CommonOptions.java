package org.attune.cli;

import picocli.CommandLine.Option;

/// Options that every command understands.
final class CommonOptions {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    boolean help;

    @Option(names = "--stacktrace", description = "Show where in the program a failure happened.")
    boolean stacktrace;

    @Option(
            names = {"-v", "--verbose"},
            description = "Log more.")
    boolean verbose;

    @Option(
            names = {"-q", "--quiet"},
            description = "Log warnings only.")
    boolean quiet;
}
