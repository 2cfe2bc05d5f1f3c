package org.attune.auto;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Finds columns that may be the choices of one question.
final class ChoiceFamilies {
    private static final Pattern NUMBERED = Pattern.compile("(.*?)_?([a-h]|[0-9])");
    private static final int FEWEST = 3;

    /// Choices of a question at most, where nothing names them.
    private static final int MOST = 8;

    /// Mean words of a choice at most. Long answers are none of a quiz.
    private static final int LONGEST = 30;

    private ChoiceFamilies() {}

    /// A column of lists, columns whose names differ by a letter or a number, or, without names,
    /// all columns that follow each other.
    static List<List<String>> of(TableFacts table) {
        if (!table.named()) {
            return runs(table.all().stream().map(ColumnFacts::name).toList());
        }
        List<List<String>> lists =
                table.all().stream()
                        .filter(c -> c.named().is("choices"))
                        .filter(c -> c.is(ColumnFacts.Trait.TEXT_LISTS))
                        .map(c -> List.of(c.name()))
                        .toList();
        return lists.isEmpty() ? numbered(table) : lists;
    }

    private static List<List<String>> runs(List<String> columns) {
        List<List<String>> runs = new ArrayList<>();
        for (int from = 1; from < columns.size(); from++) {
            for (int to = from + FEWEST; to <= Math.min(from + MOST, columns.size()); to++) {
                runs.add(columns.subList(from, to));
            }
        }
        return runs;
    }

    private static List<List<String>> numbered(TableFacts table) {
        Map<String, Map<Character, String>> families = new TreeMap<>();
        for (ColumnFacts column : table.all()) {
            String words = ColumnWords.normal(column.name()).replaceFirst("_?(text|txt)$", "");
            Matcher name = NUMBERED.matcher(words);
            if (name.matches() && isChoice(column, name)) {
                families.computeIfAbsent(name.group(1), _ -> new TreeMap<>())
                        .putIfAbsent(name.group(2).charAt(0), column.name());
            }
        }
        return families.values().stream()
                .filter(ChoiceFamilies::isWithoutGaps)
                .map(f -> List.copyOf(f.values()))
                .toList();
    }

    /// Whether the name is a letter or has a word for choices.
    private static boolean isChoice(ColumnFacts column, Matcher name) {
        return name.group(1).isEmpty()
                ? name.group(2).matches("[a-h]")
                : ColumnWords.has(name.group(1), "choice") && column.words() <= LONGEST;
    }

    private static boolean isWithoutGaps(Map<Character, String> family) {
        List<Character> endings = List.copyOf(family.keySet());
        char first = endings.getFirst();
        return endings.size() >= FEWEST
                && (first == 'a' || first == '0' || first == '1')
                && endings.getLast() - first == endings.size() - 1;
    }
}
