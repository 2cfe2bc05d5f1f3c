package org.attune.auto;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// What to say of a table that isn't clear: what is in doubt, and the options that settle it.
final class Advice {
    private Advice() {}

    /// A table that can't be mapped.
    ///
    /// @param columns of the table
    /// @param why lines that say what is in doubt
    static UnclearTableException unclear(List<String> columns, String... why) {
        List<String> lines = new ArrayList<>(List.of(why));
        lines.add(1, "columns: " + String.join(", ", columns));
        String first = TableMapping.quoted(columns.getFirst());
        String second = columns.size() < 2 ? "COL" : TableMapping.quoted(columns.get(1));
        lines.add(
                "say what they are, for example: --prompt %s --response %s; or --prompt COL --chosen COL --rejected COL, --label COL, --rating COL, --text COL, --messages COL, --ignore COL"
                        .formatted(first, second));
        return new UnclearTableException(String.join("\n  ", lines));
    }

    /// Nothing reaches the points that it needs.
    static String[] none(TableFacts facts) {
        ScoreTable scores = ScoreTable.get();
        List<String> lines = new ArrayList<>(List.of("the columns don't say which is which"));
        for (String part : scores.roles().keySet()) {
            for (ColumnFacts column : facts.all()) {
                Reading none = Reading.of(TableMapping.Kind.TEXT);
                var vetoes = scores.vetoes(part, facts, none, column);
                double points = scores.score(part, facts, none, column).points();
                if (!vetoes.isEmpty() && points >= scores.limit("named")) {
                    lines.add(
                            "\"%s\" isn't taken as %s: %s"
                                    .formatted(column.name(), part, vetoes.getFirst().words()));
                }
            }
        }
        return lines.toArray(String[]::new);
    }

    /// Two readings are as good.
    static String[] two(Reading best, Reading rival) {
        return new String[] {
            "the table can be read in two ways", shown(best), shown(rival),
        };
    }

    private static String shown(Reading reading) {
        return "%s (%.1f points): %s"
                .formatted(reading.kind().words(), reading.points(), options(reading));
    }

    private static String options(Reading reading) {
        return new TableMapping(reading.kind(), reading.roles(), List.of(), List.of()).options();
    }

    /// Columns that a reading leaves out may matter.
    static String[] loud(Reading reading, List<ColumnFacts> loud) {
        List<String> names = loud.stream().map(ColumnFacts::name).toList();
        String shown = names.stream().map(n -> "\"" + n + "\"").collect(Collectors.joining(", "));
        String ignore =
                names.stream()
                        .map(n -> "--ignore " + TableMapping.quoted(n))
                        .collect(Collectors.joining(" "));
        return new String[] {
            "it isn't clear what %s hold%s".formatted(shown, names.size() == 1 ? "s" : ""),
            "to leave %s out: %s".formatted(names.size() == 1 ? "it" : "them", ignore),
            "this would be taken: " + options(reading),
        };
    }
}
