package org.attune.auto;

import org.attune.datasets.rows.Row;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/// Measures how columns of a table relate, each relation once and only if it is asked for.
final class TableRelations implements TableFacts.Relations {
    private final SniffedTable table;
    private final Map<List<Object>, Double> known = new HashMap<>();

    TableRelations(SniffedTable table) {
        this.table = table;
    }

    @Override
    public double of(TableFacts.Relation kind, List<String> one, List<String> other) {
        List<Object> key = List.of(kind, one, other);
        Double found = known.get(key);
        if (found == null) {
            found = measured(kind, one, other);
            known.put(key, found);
        }
        return found;
    }

    private double measured(TableFacts.Relation kind, List<String> ones, List<String> others) {
        String one = ones.getFirst();
        String other = others.getFirst();
        return switch (kind) {
            case WITHIN -> table.share(row -> isWithin(row.get(one), row.get(other)));
            case SAME -> table.share(row -> Objects.equals(row.get(one), row.get(other)));
            case SPLIT -> split(one, other);
            case PAIRED -> isPaired(one, other) ? 1 : 0;
            case CONSTANT ->
                    groups(other, one).values().stream().allMatch(v -> v.size() < 2) ? 1 : 0;
            case KEY -> key(ones, other).map(k -> k.reading().number()).orElse(0);
            case AGREE -> agree(ones, others) ? 1 : 0;
        };
    }

    /// Whether one text is within another, without regard to case.
    private static boolean isWithin(Object piece, Object whole) {
        if (piece == null || whole == null) {
            return false;
        }
        String part = text(piece);
        String text = text(whole);
        return !part.equals(text) && text.contains(part);
    }

    private static String text(Object cell) {
        return String.valueOf(cell).strip().toLowerCase(Locale.ROOT);
    }

    /// Values of one column by those of another; missing ones count as a value.
    private Map<Object, Set<Object>> groups(String by, String column) {
        Map<Object, Set<Object>> groups = new HashMap<>();
        for (Row row : table.rows()) {
            groups.computeIfAbsent(row.get(by), _ -> new HashSet<>()).add(row.get(column));
        }
        return groups;
    }

    private double split(String text, String sorted) {
        Map<Object, Set<Object>> classes = groups(text, sorted);
        classes.remove(null);
        classes.values().forEach(values -> values.remove(null));
        classes.values().removeIf(Set::isEmpty);
        return classes.values().stream().filter(c -> c.size() > 1).count()
                / (double) Math.max(1, classes.size());
    }

    private boolean isPaired(String one, String other) {
        Set<List<Object>> pairs = new HashSet<>();
        Set<Object> left = new HashSet<>();
        Set<Object> right = new HashSet<>();
        for (Row row : table.rows()) {
            if (row.get(one) != null || row.get(other) != null) {
                pairs.add(Arrays.asList(row.get(one), row.get(other)));
                left.add(row.get(one));
                right.add(row.get(other));
            }
        }
        return pairs.size() == left.size() && pairs.size() == right.size();
    }

    private Optional<ChoiceAnswers> key(List<String> choices, String key) {
        return ChoiceAnswers.of(table.rows(), choices, key).filter(k -> k.varies(table.rows()));
    }

    private boolean agree(List<String> choices, List<String> keys) {
        return key(choices, keys.get(0))
                .orElseThrow()
                .agrees(key(choices, keys.get(1)).orElseThrow(), table.rows());
    }
}
