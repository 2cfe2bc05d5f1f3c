package org.attune.cli;

import picocli.CommandLine.Option;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// How many processes a command takes, and where.
final class RankOptions {
    @Option(
            names = "--ranks",
            paramLabel = "N",
            description = {
                "Start N processes that share the work, with the machine's mpirun (docs/scale.md)."
            })
    Optional<Integer> ranks = Optional.empty();

    @Option(
            names = "--hosts",
            paramLabel = "HOST:N,…",
            description = "Machines to start them on, by ssh, and how many on each.")
    Optional<String> hosts = Optional.empty();

    /// Whether processes are to be started.
    boolean areAsked() {
        return ranks.isPresent() || hosts.isPresent();
    }

    /// These options as they are written.
    String text() {
        return ranks.map(n -> "--ranks " + n).orElse("")
                + hosts.map(text -> " --hosts " + text).orElse("");
    }

    /// Arguments of a command line without these options.
    static List<String> without(List<String> arguments) {
        List<String> others = new ArrayList<>();
        boolean value = false;
        for (String argument : arguments) {
            boolean option = argument.equals("--ranks") || argument.equals("--hosts");
            boolean joined = argument.startsWith("--ranks=") || argument.startsWith("--hosts=");
            if (!value && !option && !joined) {
                others.add(argument);
            }
            value = option;
        }
        return others;
    }
}
