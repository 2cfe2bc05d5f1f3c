package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.config.ForeignKeys;
import org.attune.cli.config.Key;
import org.attune.cli.config.KeyFacts;
import org.attune.cli.config.KeyGroup;
import org.attune.cli.config.KeyTable;
import org.attune.cli.terminal.RunScreen;
import org.attune.cli.terminal.TerminalWidth;
import org.attune.cli.terminal.VisibleText;
import org.attune.error.ConfigException;
import org.attune.error.Spelling;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/// `attune keys [METHOD] [WORD …]`
@Command(name = "keys", description = "List the keys of a run's file, with default and meaning.")
final class KeysCommand implements Callable<Integer> {
    private static final String INDENT = "    ";
    private static final int PIPE_COLUMNS = 100;

    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Option(
            names = "--all",
            description =
                    "Keys of TRL too that have no effect here or are refused, with the reason.")
    boolean all;

    @Parameters(
            paramLabel = "METHOD|WORD",
            description =
                    "A method, as sft or dpo: its keys; other words: keys whose names have one of"
                            + " them, or that serve such a purpose, as memory, faster, evaluate,"
                            + " log, save, adapters, rewards, agents (default: all keys of all"
                            + " methods).")
    List<String> words = new ArrayList<>();

    private final Map<TrainingMethod<?, ?>, KeyFacts> facts = new HashMap<>();
    private final List<KeyGroup> groups = KeyGroup.all();

    @Override
    public Integer call() {
        KeyTable table = KeyTable.load();
        Optional<TrainingMethod<?, ?>> method =
                words.isEmpty() ? Optional.empty() : Methods.named(words.getFirst());
        List<String> parts = method.isPresent() ? words.subList(1, words.size()) : words;
        List<Key> known = method.map(table::of).orElseGet(table::all);
        List<Key> shown = known.stream().filter(key -> isWanted(key, parts)).toList();
        if (shown.isEmpty()) {
            throw nothing(known, parts);
        }
        PrintWriter out = spec.commandLine().getOut();
        int columns = columns();
        for (Key key : shown) {
            show(key, method, columns, out);
        }
        out.flush();
        return ExitCodes.DONE;
    }

    private static int columns() {
        if (!RunScreen.isTerminal()) {
            return PIPE_COLUMNS;
        }
        try (var width = TerminalWidth.ofProcess()) {
            return width.getAsInt();
        }
    }

    private boolean isWanted(Key key, List<String> parts) {
        if (parts.contains(key.name())) {
            return true;
        }
        boolean named =
                parts.isEmpty()
                        || parts.stream().anyMatch(key.name()::contains)
                        || groups.stream()
                                .filter(group -> parts.stream().anyMatch(group::isAbout))
                                .anyMatch(group -> group.keys().contains(key.name()));
        return named && (all || key.outcome() == Key.Outcome.OBEYED);
    }

    private static ConfigException nothing(List<Key> known, List<String> parts) {
        List<String> names = new ArrayList<>(known.stream().map(Key::name).toList());
        known.forEach(key -> names.addAll(List.of(key.name().split("_"))));
        Methods.all().stream().map(TrainingMethod::name).forEach(names::add);
        String near =
                parts.stream()
                        .flatMap(part -> ForeignKeys.answer(part).stream())
                        .findFirst()
                        .map(answer -> "; it is " + answer)
                        .or(
                                () ->
                                        parts.stream()
                                                .flatMap(p -> Spelling.nearest(p, names).stream())
                                                .findFirst()
                                                .map(name -> "; did you mean " + name + "?"))
                        .orElse("; attune keys lists all");
        return new ConfigException("no key has " + String.join(" or ", parts) + " in it" + near);
    }

    private void show(
            Key key, Optional<TrainingMethod<?, ?>> method, int columns, PrintWriter out) {
        KeyFacts known =
                facts.computeIfAbsent(
                        method.orElseGet(() -> key.methods().getFirst()), KeyFacts::of);
        String of =
                method.isPresent() || key.methods().size() == Methods.all().size()
                        ? ""
                        : " (" + names(key) + ")";
        out.println(key.name() + ": " + known.standard(key) + of);
        switch (key.outcome()) {
            case OBEYED -> indented(key.note() + " [" + known.accepted(key) + "]", columns, out);
            case NO_EFFECT -> indented("no effect here: " + key.note(), columns, out);
            case REFUSED -> indented("refused: " + key.note(), columns, out);
        }
    }

    private static String names(Key key) {
        return key.methods().stream().map(TrainingMethod::name).collect(Collectors.joining(", "));
    }

    private static void indented(String text, int columns, PrintWriter out) {
        VisibleText.wrap(text, columns - INDENT.length())
                .forEach(line -> out.println(INDENT + line));
    }
}
