package org.attune.cli.auto;

import org.attune.auto.ColumnRole;
import org.attune.auto.MappingGuess;
import org.attune.auto.SniffedTable;
import org.attune.auto.TableMapping;
import org.attune.error.ConfigException;
import org.attune.error.Spelling;

import picocli.CommandLine.Option;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/// What columns of a table are, said by options.
public final class ColumnOptions {
    @Option(names = "--prompt", paramLabel = "COL", description = "Column with the questions.")
    String prompt;

    @Option(
            names = "--response",
            paramLabel = "COL",
            description = "Column with the answers; twice, with --winner, for two answers.")
    List<String> responses = new ArrayList<>();

    @Option(
            names = "--choice",
            paramLabel = "COL",
            description =
                    "Column with a choice of a multiple-choice question, or with lists of them; may"
                            + " be repeated. --response says which is right.")
    List<String> choices = new ArrayList<>();

    @Option(names = "--chosen", paramLabel = "COL", description = "Column with better answers.")
    String chosen;

    @Option(names = "--rejected", paramLabel = "COL", description = "Column with worse answers.")
    String rejected;

    @Option(
            names = "--label",
            paramLabel = "COL",
            description = "Column that says whether an answer is good.")
    String label;

    @Option(names = "--rating", paramLabel = "COL", description = "Column with ratings of answers.")
    String rating;

    @Option(
            names = "--winner",
            paramLabel = "COL",
            description = "Column that says which of two answers is better.")
    String winner;

    @Option(names = "--text", paramLabel = "COL", description = "Column with plain texts.")
    String text;

    @Option(names = "--messages", paramLabel = "COL", description = "Column with conversations.")
    String messages;

    @Option(names = "--system", paramLabel = "COL", description = "Column with system messages.")
    String system;

    @Option(
            names = "--context",
            paramLabel = "COL",
            description = "Column with what a question is about; put behind it.")
    String context;

    @Option(
            names = "--ignore",
            paramLabel = "COL",
            description = "A column that doesn't matter; may be repeated.")
    List<String> ignored = new ArrayList<>();

    /// What the options and the table say.
    ///
    /// @throws ConfigException if an option names no column
    public TableMapping mapping(SniffedTable table) {
        Map<ColumnRole, List<String>> given = given();
        given.forEach((role, names) -> names.forEach(name -> require(table, role.key(), name)));
        ignored.forEach(name -> require(table, "ignore", name));
        return given.isEmpty()
                ? MappingGuess.of(table, new LinkedHashSet<>(ignored))
                : MappingGuess.given(table, given);
    }

    private Map<ColumnRole, List<String>> given() {
        Map<ColumnRole, List<String>> given = new EnumMap<>(ColumnRole.class);
        add(given, ColumnRole.PROMPT, prompt);
        responses.forEach(name -> add(given, ColumnRole.COMPLETION, name));
        choices.forEach(name -> add(given, ColumnRole.CHOICE, name));
        add(given, ColumnRole.CHOSEN, chosen);
        add(given, ColumnRole.REJECTED, rejected);
        add(given, ColumnRole.LABEL, label);
        add(given, ColumnRole.RATING, rating);
        add(given, ColumnRole.WINNER, winner);
        add(given, ColumnRole.TEXT, text);
        add(given, ColumnRole.MESSAGES, messages);
        add(given, ColumnRole.SYSTEM, system);
        add(given, ColumnRole.CONTEXT, context);
        return given;
    }

    private static void add(Map<ColumnRole, List<String>> given, ColumnRole role, String name) {
        if (name != null) {
            given.computeIfAbsent(role, _ -> new ArrayList<>()).add(name);
        }
    }

    private static void require(SniffedTable table, String option, String name) {
        if (!table.columns().contains(name)) {
            String near =
                    Spelling.nearest(name, table.columns())
                            .map(n -> "; did you mean \"" + n + "\"?")
                            .orElse("");
            throw new ConfigException(
                    "--%s: there is no column \"%s\"; the columns are %s%s"
                            .formatted(option, name, String.join(", ", table.columns()), near));
        }
    }
}
