package org.attune.auto;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/// Looks whether a mapping can be right: what its columns hold must agree with what they are taken
/// for.
final class MappingCheck {
    private static final double MOST = 0.5;

    /// Share of rows with an answer, from which on it is trained on them alone.
    private static final double SOME = 0.1;

    private MappingCheck() {}

    static TableMapping checked(SniffedTable table, TableFacts columns, TableMapping mapping) {
        mapping.columns()
                .forEach(
                        (role, names) ->
                                names.forEach(name -> check(table, columns, mapping, role, name)));
        same(table, mapping, ColumnRole.PROMPT, ColumnRole.COMPLETION);
        same(table, mapping, ColumnRole.CHOSEN, ColumnRole.REJECTED);
        swapped(table, columns, mapping);
        checkChoices(table, mapping);
        return mapping;
    }

    private static void check(
            SniffedTable table,
            TableFacts columns,
            TableMapping mapping,
            ColumnRole role,
            String name) {
        ColumnFacts facts = columns.column(name);
        boolean needed =
                role != ColumnRole.CONTEXT
                        && role != ColumnRole.CHOICE
                        && role != ColumnRole.SYSTEM
                        && role != ColumnRole.LABEL
                        && role != ColumnRole.RATING
                        && role != ColumnRole.WINNER;
        if (facts == null || needed && facts.filled() < MOST && !isSparse(table, facts, role)) {
            throw Advice.unclear(
                    table.columns(),
                    "column \"%s\" would be the %s, and most of its cells are empty"
                            .formatted(name, role.key()));
        }
        boolean answers =
                role == ColumnRole.COMPLETION
                        && mapping.kind() != TableMapping.Kind.JUDGED_PAIR
                        && table.rows().size() > 3;
        if ((answers || role == ColumnRole.PROMPT && table.rows().size() > 3)
                && facts.different() == 1) {
            throw Advice.unclear(
                    table.columns(),
                    "column \"%s\" would be the %s, and all its cells are alike"
                            .formatted(name, role.key()));
        }
        if (role == ColumnRole.LABEL && !facts.judges()) {
            throw Advice.unclear(
                    table.columns(),
                    "column \"%s\" would say whether an answer is good, and holds %s; true and false, 1 and 0, good and bad or the like are understood, and both must be there"
                            .formatted(name, values(table, name).limit(5).toList()));
        }
        if (role == ColumnRole.MESSAGES && table.share(r -> isChat(r.get(name))) < MOST) {
            throw Advice.unclear(
                    table.columns(),
                    "column \"%s\" would hold conversations, and few of its cells are lists of messages or have a speaker before each turn"
                            .formatted(name));
        }
        if (role == ColumnRole.WINNER) {
            checkWinner(table, mapping, name);
        }
        if (role == ColumnRole.RATING && facts.kind() != ColumnFacts.Kind.NUMBER) {
            throw Advice.unclear(
                    table.columns(),
                    "column \"%s\" would be a rating, and holds no numbers".formatted(name));
        }
    }

    private static boolean isChat(Object cell) {
        return ChatCell.of(cell).isPresent();
    }

    /// Whether some answers are there, by a name that is clear. The rows without them are left out.
    private static boolean isSparse(SniffedTable table, ColumnFacts facts, ColumnRole role) {
        return role == ColumnRole.COMPLETION
                && ColumnWords.strong(facts.name()).contains(role)
                && facts.filled() >= SOME
                && facts.filled() * table.rows().size() >= MappedRows.FEWEST;
    }

    /// A value that isn't understood may change what the others mean, such as 0 beside 1.
    private static void checkWinner(SniffedTable table, TableMapping mapping, String name) {
        List<String> strange =
                values(table, name)
                        .filter(v -> !Judgement.isTie(v))
                        .filter(v -> Judgement.winner(v, mapping.all(ColumnRole.COMPLETION)) < 0)
                        .toList();
        if (!strange.isEmpty()) {
            throw Advice.unclear(
                    table.columns(),
                    "column \"%s\" would say which answer is better, and holds %s; a and b, 1 and 2, the names of the columns, or tie are understood"
                            .formatted(name, strange.stream().limit(5).toList()));
        }
    }

    private static Stream<String> values(SniffedTable table, String column) {
        return table.rows().stream()
                .flatMap(row -> MappedRows.text(row, Optional.of(column)).stream())
                .distinct()
                .sorted();
    }

    private static void checkChoices(SniffedTable table, TableMapping mapping) {
        if (mapping.kind() == TableMapping.Kind.CHOICES
                && ChoiceAnswers.of(table, mapping).isEmpty()) {
            throw Advice.unclear(
                    table.columns(),
                    "column \"%s\" would say which choice is right; letters, places from 0 or from 1, and texts of the choices are understood, where nearly all rows agree on one of them"
                            .formatted(mapping.column(ColumnRole.COMPLETION).orElseThrow()));
        }
    }

    private static void same(
            SniffedTable table, TableMapping mapping, ColumnRole one, ColumnRole other) {
        var first = mapping.column(one);
        var second = mapping.column(other);
        if (first.isPresent() && second.isPresent()) {
            double share =
                    table.share(row -> Objects.equals(row.get(first.get()), row.get(second.get())));
            if (share > MOST) {
                throw Advice.unclear(
                        table.columns(),
                        "columns \"%s\" and \"%s\" hold the same in most rows"
                                .formatted(first.get(), second.get()));
            }
        }
    }

    /// Answers that are questions, to questions that are none.
    private static void swapped(SniffedTable table, TableFacts columns, TableMapping mapping) {
        for (String answer : mapping.all(ColumnRole.COMPLETION)) {
            var prompt = mapping.column(ColumnRole.PROMPT).map(columns::column);
            ColumnFacts facts = columns.column(answer);
            if (prompt.isPresent()
                    && facts.marks() > 0.6
                    && prompt.get().marks() < 0.2
                    && table.rows().size() > 3) {
                throw Advice.unclear(
                        table.columns(),
                        "column \"%s\" would hold the answers, and most of them are questions, while \"%s\" has hardly any; the columns seem to be swapped"
                                .formatted(answer, prompt.get().name()));
            }
        }
    }
}
