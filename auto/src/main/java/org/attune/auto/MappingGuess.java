package org.attune.auto;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Finds out what a table's columns are for, by the points that a table of scores (`scores.tsv`)
/// gives to what they are called and what they hold. A table that can be read in two ways is
/// refused with the options that settle it.
public final class MappingGuess {
    private MappingGuess() {}

    /// The mapping of a table.
    ///
    /// @param without columns that are to be left out
    /// @throws UnclearTableException if the table can be read in several ways, or in none
    public static TableMapping of(SniffedTable table, Set<String> without) {
        TableFacts facts = TableFacts.of(table, without);
        Reading reading = of(facts, table.columns());
        return MappingCheck.checked(table, facts, mapping(table, facts, reading));
    }

    /// The mapping that options say; all other columns are left out.
    ///
    /// @param given columns by role
    /// @throws UnclearTableException if they make no rows
    public static TableMapping given(SniffedTable table, Map<ColumnRole, List<String>> given) {
        TableFacts facts = TableFacts.of(table, Set.of());
        Map<ColumnRole, List<String>> roles = new EnumMap<>(ColumnRole.class);
        roles.putAll(given);
        TableMapping.Kind kind = kind(facts, roles, table.columns());
        List<String> ignored =
                table.columns().stream()
                        .filter(c -> roles.values().stream().noneMatch(names -> names.contains(c)))
                        .toList();
        return MappingCheck.checked(
                table, facts, new TableMapping(kind, roles, List.of(), ignored));
    }

    private static TableMapping.Kind kind(
            TableFacts facts, Map<ColumnRole, List<String>> given, List<String> columns) {
        boolean prompt = given.containsKey(ColumnRole.PROMPT);
        int answers = given.getOrDefault(ColumnRole.COMPLETION, List.of()).size();
        if (given.containsKey(ColumnRole.MESSAGES)) {
            return TableMapping.Kind.CHAT;
        }
        if (given.containsKey(ColumnRole.CHOSEN) && given.containsKey(ColumnRole.REJECTED)) {
            return TableMapping.Kind.PAIR;
        }
        if (prompt && answers == 2 && given.containsKey(ColumnRole.WINNER)) {
            return TableMapping.Kind.JUDGED_PAIR;
        }
        if (prompt && answers == 1 && given.containsKey(ColumnRole.CHOICE)) {
            return TableMapping.Kind.CHOICES;
        }
        if (prompt && answers == 1) {
            return kindOfAnswers(facts, given);
        }
        if (given.containsKey(ColumnRole.TEXT) && given.size() == 1) {
            return TableMapping.Kind.TEXT;
        }
        throw Advice.unclear(columns, "the options name no rows that can be trained on");
    }

    private static TableMapping.Kind kindOfAnswers(
            TableFacts facts, Map<ColumnRole, List<String>> given) {
        if (given.containsKey(ColumnRole.LABEL)) {
            return TableMapping.Kind.LABELLED;
        }
        if (given.containsKey(ColumnRole.RATING)) {
            return TableMapping.Kind.RATED;
        }
        ColumnFacts answer = facts.column(given.get(ColumnRole.COMPLETION).getFirst());
        boolean few =
                answer != null
                        && ScoreTable.get()
                                .allows(
                                        "recurring",
                                        facts,
                                        Reading.of(TableMapping.Kind.CLASSES),
                                        answer);
        return few ? TableMapping.Kind.CLASSES : TableMapping.Kind.INSTRUCTION;
    }

    /// The only reading of a table that its facts allow.
    ///
    /// @param columns of the table, for messages
    /// @throws UnclearTableException if there are several, or none
    static Reading of(TableFacts facts, List<String> columns) {
        var readings = new Readings(facts, ScoreTable.get());
        List<Reading> found = readings.best();
        if (found.isEmpty()) {
            throw Advice.unclear(columns, Advice.none(facts));
        }
        Reading best = found.getFirst();
        Optional<Reading> rival =
                found.stream()
                        .skip(1)
                        .filter(r -> r.points() > best.points() - ScoreTable.get().limit("apart"))
                        .filter(r -> !Readings.areSame(best, r))
                        .findFirst();
        if (rival.isPresent()) {
            throw Advice.unclear(columns, Advice.two(best, rival.get()));
        }
        List<ColumnFacts> loud = readings.loud(best);
        if (!loud.isEmpty()) {
            throw Advice.unclear(columns, Advice.loud(best, loud));
        }
        return best;
    }

    private static TableMapping mapping(SniffedTable table, TableFacts facts, Reading reading) {
        var readings = new Readings(facts, ScoreTable.get());
        List<String> notes = new ArrayList<>();
        reading.reasons().forEach((column, lines) -> notes.add(note("\"%s\": %s", column, lines)));
        List<String> ignored = table.columns().stream().filter(c -> !reading.takes(c)).toList();
        for (ColumnFacts column : facts.all()) {
            if (!reading.takes(column.name())) {
                var lines = readings.ignored(reading, column).lines();
                notes.add(note("\"%s\" is left out: %s", column.name(), lines));
            }
        }
        return new TableMapping(reading.kind(), reading.roles(), notes, ignored);
    }

    private static String note(String form, String column, List<ScoreTable.Line> lines) {
        return form.formatted(
                column,
                lines.stream().map(ScoreTable.Line::shown).collect(Collectors.joining(", ")));
    }
}
