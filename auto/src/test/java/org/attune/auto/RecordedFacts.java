package org.attune.auto;

import org.attune.auto.ColumnFacts.Kind;
import org.attune.auto.ColumnFacts.Trait;
import org.attune.auto.TableFacts.Relation;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Facts of columns as they are kept in `column-facts.tsv`: enough to guess a mapping, and no cell
/// of a table but short values that recur.
///
/// @param name of the table
/// @param expected mapping, as [Corpus#shown] writes it
/// @param facts of it
record RecordedFacts(String name, String expected, TableFacts facts) {
    private static final String BETWEEN = " ¦ ";

    /// Shares below it say nothing.
    private static final double LEAST = 0.1;

    static List<RecordedFacts> all() throws IOException {
        String all;
        try (var in = RecordedFacts.class.getResourceAsStream("column-facts.tsv")) {
            all = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        return Arrays.stream(all.split("(?m)^=== "))
                .filter(part -> !part.isBlank() && !part.startsWith("#"))
                .map(RecordedFacts::read)
                .toList();
    }

    private static RecordedFacts read(String part) {
        String[] lines = part.split("\n");
        String[] head = lines[0].split("\t", -1);
        List<ColumnFacts> columns = new ArrayList<>();
        Map<List<String>, Double> relations = new HashMap<>();
        for (String line : Arrays.copyOfRange(lines, 1, lines.length)) {
            String[] cells = line.split("\t", -1);
            if (cells[0].equals("column")) {
                columns.add(column(cells));
            } else {
                relations.put(List.of(cells).subList(0, 3), Double.valueOf(cells[3]));
            }
        }
        var facts =
                new TableFacts(
                        columns,
                        Integer.parseInt(head[2]),
                        head[3].equals("named"),
                        (kind, one, other) ->
                                relations.getOrDefault(
                                        List.of(kind.name(), joined(one), joined(other)), 0.0));
        return new RecordedFacts(head[0], head[1], facts);
    }

    private static ColumnFacts column(String[] cells) {
        double[] numbers = new double[8];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = Double.parseDouble(cells[4 + i]);
        }
        Set<Trait> traits = EnumSet.noneOf(Trait.class);
        split(cells[13]).forEach(trait -> traits.add(Trait.valueOf(trait)));
        return new ColumnFacts(
                ColumnName.of(cells[1]),
                Kind.valueOf(cells[2]),
                Integer.parseInt(cells[3]),
                numbers[0],
                numbers[1],
                numbers[2],
                numbers[3],
                numbers[4],
                numbers[5],
                numbers[6],
                (int) numbers[7],
                new TreeSet<>(split(cells[12])),
                traits);
    }

    private static List<String> split(String cell) {
        return cell.isEmpty() ? List.of() : List.of(cell.split(BETWEEN));
    }

    /// The lines that keep it.
    String lines() {
        var text = new StringBuilder("=== ");
        line(text, name, expected, facts.rows(), facts.named() ? "named" : "nameless");
        for (ColumnFacts c : facts.all()) {
            line(
                    text,
                    "column",
                    c.name(),
                    c.kind(),
                    c.cells(),
                    number(c.filled()),
                    number(c.words()),
                    number(c.letters()),
                    number(c.marks()),
                    number(c.asks()),
                    number(c.min()),
                    number(c.max()),
                    c.different(),
                    String.join(BETWEEN, c.values()),
                    c.traits().stream().map(Trait::name).collect(Collectors.joining(BETWEEN)));
        }
        relations(text);
        return text.toString();
    }

    private void relations(StringBuilder text) {
        for (ColumnFacts one : facts.all()) {
            for (ColumnFacts other : facts.all()) {
                if (one == other) {
                    continue;
                }
                boolean words = one.kind() != Kind.TEXT && other.kind() != Kind.TEXT;
                for (Relation kind : List.of(Relation.WITHIN, Relation.SAME, Relation.SPLIT)) {
                    share(text, kind, one, other);
                }
                if (words) {
                    share(text, Relation.PAIRED, one, other);
                }
                if (other.is(Trait.RUNS) || facts.roles(other).contains(ColumnRole.GROUP)) {
                    share(text, Relation.CONSTANT, one, other);
                }
            }
        }
        facts.families().forEach(family -> keys(text, family));
    }

    private void share(StringBuilder text, Relation kind, ColumnFacts one, ColumnFacts other) {
        double share = facts.relations().of(kind, List.of(one.name()), List.of(other.name()));
        double least = kind == Relation.SPLIT ? 0.01 : LEAST;
        boolean sorts = kind != Relation.SPLIT || one.kind() == Kind.TEXT;
        if (share >= least && sorts) {
            line(text, kind, one.name(), other.name(), number(share));
        }
    }

    private void keys(StringBuilder text, List<String> choices) {
        List<String> keys =
                facts.all().stream()
                        .map(ColumnFacts::name)
                        .filter(c -> !choices.contains(c))
                        .filter(c -> facts.relations().of(Relation.KEY, choices, List.of(c)) > 0)
                        .toList();
        for (String key : keys) {
            double reading = facts.relations().of(Relation.KEY, choices, List.of(key));
            line(text, Relation.KEY, joined(choices), key, number(reading));
            for (String other : keys) {
                List<String> both = List.of(key, other);
                if (!key.equals(other) && facts.relations().of(Relation.AGREE, choices, both) > 0) {
                    line(text, Relation.AGREE, joined(choices), joined(both), 1);
                }
            }
        }
    }

    private static String joined(List<String> columns) {
        return String.join(" | ", columns);
    }

    private static String number(double value) {
        String text = String.format(Locale.ROOT, "%.3f", value).replaceFirst("\\.?0+$", "");
        return Double.isNaN(value) ? "NaN" : text.isEmpty() ? "0" : text;
    }

    private static void line(StringBuilder text, Object... cells) {
        Function<Object, String> plain = c -> String.valueOf(c).replaceAll("[\\t\\n\\r]", " ");
        text.append(Arrays.stream(cells).map(plain).collect(Collectors.joining("\t"))).append('\n');
    }
}
