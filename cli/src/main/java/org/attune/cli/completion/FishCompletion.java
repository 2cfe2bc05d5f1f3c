package org.attune.cli.completion;

import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The script for fish, which has a line for each thing that it may offer.
final class FishCompletion {
    private final CompletionWords words;
    private final List<String> lines = new ArrayList<>();

    FishCompletion(CompletionWords words) {
        this.words = words;
    }

    /// The script.
    String text() {
        lines.clear();
        lines.add(
                "# Completes attune's commands, options and keys; made by: attune completion fish");
        lines.add("complete -c attune -e");
        String first = "complete -c attune -n __fish_use_subcommand";
        lines.add(first + " -l help -l version");
        Map<String, Set<String>> choices = CompletionWords.keyValues();
        words.commands()
                .forEach(
                        (name, command) -> {
                            String[] about = command.getCommandSpec().usageMessage().description();
                            lines.add(
                                    first
                                            + " -f -a %s -d %s"
                                                    .formatted(
                                                            name,
                                                            quoted(
                                                                    about.length > 0
                                                                            ? about[0]
                                                                            : "")));
                            addCommand(name, command, choices);
                        });
        return String.join("\n", lines) + "\n";
    }

    private void addCommand(String name, CommandLine command, Map<String, Set<String>> choices) {
        String start = "complete -c attune -n '__fish_seen_subcommand_from " + name + "'";
        for (OptionSpec option : command.getCommandSpec().options()) {
            var line = new StringBuilder(start);
            for (String word : option.names()) {
                boolean isLong = word.startsWith("--");
                line.append(isLong ? " -l " : " -s ").append(word.substring(isLong ? 2 : 1));
            }
            String values = CompletionWords.values(option);
            if (!values.isEmpty()) {
                line.append(" -x -a ").append(quoted(values));
            } else if (option.arity().max() > 0) {
                line.append(" -r");
            }
            String[] about = option.description();
            lines.add(line + (about.length > 0 ? " -d " + quoted(about[0]) : ""));
        }
        List<String> after = new ArrayList<>();
        for (String word : words.after(name).split(" ")) {
            after.add(word);
            String key = word.endsWith("=") ? word.substring(0, word.length() - 1) : "";
            choices.getOrDefault(key, Set.of()).forEach(value -> after.add(word + value));
        }
        if (!after.equals(List.of(""))) {
            boolean keys = after.stream().anyMatch(word -> word.endsWith("="));
            lines.add(start + (keys ? "" : " -f") + " -a " + quoted(String.join(" ", after)));
        }
    }

    /// Quotes a text as fish reads it, without what picocli puts in.
    private static String quoted(String text) {
        String plain = text.replaceAll(" *\\([^()]*\\$\\{[^()]*\\)", "");
        return "'" + plain.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
}
