package org.attune.cli.completion;

import org.attune.cli.config.Key;
import org.attune.cli.config.KeyFacts;
import org.attune.cli.config.KeyTable;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;

import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// What a shell may offer: commands, their options, keys and values.
///
/// @param commands by name
record CompletionWords(Map<String, CommandLine> commands) {
    private static final KeyTable TABLE = KeyTable.load();

    /// What keys accept, where it is a choice.
    static Map<String, Set<String>> keyValues() {
        Map<String, Set<String>> choices = new TreeMap<>();
        for (TrainingMethod<?, ?> method : Methods.all()) {
            KeyFacts facts = KeyFacts.of(method);
            TABLE.of(method).stream()
                    .filter(key -> key.outcome() == Key.Outcome.OBEYED)
                    .forEach(
                            key ->
                                    choices.computeIfAbsent(key.name(), _ -> new TreeSet<>())
                                            .addAll(facts.choices(key)));
        }
        choices.values().removeIf(Set::isEmpty);
        return choices;
    }

    /// What an option accepts, with blanks between; empty if it is no choice.
    static String values(OptionSpec option) {
        Class<?> type = option.type();
        if (type == TrainingMethod.class) {
            return methods();
        }
        return type.isEnum() ? constants(type) : "";
    }

    private static String constants(Class<?> type) {
        return Arrays.stream(type.getEnumConstants())
                .map(constant -> constant.toString().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(" "));
    }

    /// What may follow a command beside options and files, with blanks between.
    String after(String command) {
        return switch (command) {
            case "help" -> String.join(" ", commands.keySet());
            case "init" -> methods() + " sample";
            case "keys", "schema" -> methods();
            case "completion" -> constants(Shell.class);
            case "preview" -> keys(Methods.all());
            default -> Methods.named(command).map(method -> keys(List.of(method))).orElse("");
        };
    }

    private static String methods() {
        return Methods.all().stream().map(TrainingMethod::name).collect(Collectors.joining(" "));
    }

    private static String keys(List<TrainingMethod<?, ?>> methods) {
        return methods.stream()
                .flatMap(method -> TABLE.of(method).stream())
                .filter(key -> key.outcome() == Key.Outcome.OBEYED)
                .map(key -> key.name() + "=")
                .distinct()
                .sorted()
                .collect(Collectors.joining(" "));
    }
}
