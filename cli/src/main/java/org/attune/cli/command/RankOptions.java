package org.attune.cli.command;

import picocli.CommandLine.Option;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// How many processes a command takes, and where.
public final class RankOptions {
    /// Hands the options on to the ranks, which are started without them.
    private static final String VARIABLE = "ATTUNE_RANKS_OPTIONS";

    @Option(
            names = "--ranks",
            paramLabel = "N",
            description = {
                "Start N processes that share the work, with the machine's mpirun (docs/scale.md)."
            })
    public Optional<Integer> ranks = Optional.empty();

    @Option(
            names = "--hosts",
            paramLabel = "HOST:N,…",
            description = "Machines to start them on, by ssh, and how many on each.")
    public Optional<String> hosts = Optional.empty();

    /// Whether processes are to be started.
    public boolean areAsked() {
        return ranks.isPresent() || hosts.isPresent();
    }

    /// What the environment of the ranks gets.
    public Map<String, String> handedOn() {
        String text =
                ranks.map(n -> "--ranks " + n).orElse("")
                        + hosts.map(names -> " --hosts " + names).orElse("");
        return Map.of(VARIABLE, text.strip());
    }

    /// Whether these options started the process of an environment.
    public static boolean started(Map<String, String> environment) {
        return environment.containsKey(VARIABLE);
    }

    /// The options that started the process of an environment, as words of a command line.
    public static List<String> words(Map<String, String> environment) {
        String options = environment.getOrDefault(VARIABLE, "");
        return options.isEmpty() ? List.of() : List.of(options.split(" +"));
    }

    /// Arguments of a command line without these options.
    public static List<String> without(List<String> arguments) {
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
