package org.attune.datasets.sniff;

import org.attune.datasets.rows.Row;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Finds multiple-choice questions: a question, its choices, and which of them is right.
record ChoiceGuess(Draft draft) {
    private static final Pattern NUMBERED = Pattern.compile("(.*?)_?([a-h]|[0-9])");
    private static final int FEWEST = 3;

    /// Choices of a question at most, where nothing names them.
    private static final int LARGEST = 8;

    private static final double MOST = 0.5;

    /// By how much of all rows questions ask more often than choices, where they aren't longer.
    private static final double ASKS = 0.3;

    /// Mean words of a choice at most.
    private static final int LONGEST = 30;

    /// Takes question, choices and key.
    ///
    /// @throws UnclearTableException if no column says which is right, or several don't agree
    boolean choices() {
        if (!draft.table().named()) {
            return unnamed();
        }
        List<String> choices = lists().or(this::columns).orElse(List.of());
        if (choices.isEmpty()) {
            return false;
        }
        List<ChoiceAnswers> keys =
                draft.columns().columns().stream()
                        .filter(c -> !choices.contains(c) && ColumnWords.has(c, "key"))
                        .flatMap(c -> ChoiceAnswers.of(rows(), choices, c).stream())
                        .toList();
        Optional<String> question = question(choices, keys);
        if (question.isEmpty()) {
            return false;
        }
        if (keys.isEmpty()) {
            throw draft.unclear(
                    "columns %s look like choices, and no column says clearly which is right"
                            .formatted(Draft.quoted(choices)),
                    "if one does: --prompt COL --choice COL --choice COL … --response COL");
        }
        ChoiceAnswers key = keys.getFirst();
        if (!keys.stream().allMatch(k -> k.agrees(key, rows()))) {
            throw draft.unclear(
                    "several columns may say which choice is right, and they don't agree: "
                            + Draft.quoted(keys.stream().map(ChoiceAnswers::key).toList()));
        }
        if (!key.varies(rows())) {
            throw draft.unclear("the right choice stands at the same place in all rows");
        }
        draft.take(ColumnRole.PROMPT, question.get());
        choices.forEach(c -> draft.take(ColumnRole.CHOICE, c));
        draft.take(ColumnRole.COMPLETION, key.key());
        keys.forEach(k -> draft.pass(k.key()));
        draft.note("column \"%s\" holds %s".formatted(key.key(), key.reading().words()));
        return true;
    }

    /// Without names: a text, choices right of it, and behind them what names one of the choices in
    /// nearly all rows, which is no accident. The most choices for which that holds are taken.
    private boolean unnamed() {
        List<String> columns = draft.table().columns();
        for (int key = columns.size() - 1; key > FEWEST; key--) {
            for (int from = Math.max(1, key - LARGEST); key - from >= FEWEST; from++) {
                if (unnamed(columns.get(from - 1), columns.subList(from, key), columns.get(key))) {
                    return true;
                }
            }
        }
        return false;
    }

    private boolean unnamed(String question, List<String> choices, String key) {
        boolean texts =
                draft.columns().columns().containsAll(choices)
                        && draft.columns().columns().contains(question)
                        && isLonger(question, choices);
        Optional<ChoiceAnswers> read =
                texts ? ChoiceAnswers.of(rows(), choices, key) : Optional.empty();
        if (read.isEmpty() || !read.get().varies(rows())) {
            return false;
        }
        draft.take(ColumnRole.PROMPT, question);
        choices.forEach(c -> draft.take(ColumnRole.CHOICE, c));
        draft.take(ColumnRole.COMPLETION, key);
        draft.note("column \"%s\" holds %s".formatted(key, read.get().reading().words()));
        return true;
    }

    private boolean isLonger(String question, List<String> choices) {
        ColumnFacts asked = draft.columns().facts(question);
        return asked.kind() == ColumnFacts.Kind.TEXT
                && choices.stream()
                        .map(draft.columns()::facts)
                        .allMatch(c -> c.letters() < asked.letters() || asksMore(asked, c));
    }

    private static boolean asksMore(ColumnFacts asked, ColumnFacts choice) {
        return asked.questions() > choice.questions() + ASKS;
    }

    private List<Row> rows() {
        return draft.table().rows();
    }

    /// The only column of lists that are named as choices.
    private Optional<List<String>> lists() {
        List<String> lists =
                draft.columns().columns().stream()
                        .filter(c -> ColumnWords.is(c, "choices"))
                        .filter(this::holdsLists)
                        .toList();
        return lists.size() == 1 ? Optional.of(lists) : Optional.empty();
    }

    private boolean holdsLists(String column) {
        long lists = rows().stream().filter(r -> TextList.of(r.get(column)).isPresent()).count();
        return lists > MOST * rows().size();
    }

    /// Columns whose names differ by a letter or a number, from the first one on without gaps.
    private Optional<List<String>> columns() {
        Map<String, Map<Character, String>> families = new TreeMap<>();
        for (String column : draft.columns().columns()) {
            String words = ColumnWords.normal(column).replaceFirst("_?(text|txt|content)$", "");
            Matcher name = NUMBERED.matcher(words);
            if (name.matches() && isChoice(column, name)) {
                families.computeIfAbsent(name.group(1), _ -> new TreeMap<>())
                        .putIfAbsent(name.group(2).charAt(0), column);
            }
        }
        families.values().forEach(this::fillGaps);
        List<List<String>> found =
                families.values().stream()
                        .filter(ChoiceGuess::isWithoutGaps)
                        .map(f -> List.copyOf(f.values()))
                        .toList();
        return found.size() == 1 ? Optional.of(found.getFirst()) : Optional.empty();
    }

    /// A misspelt name is one of a choice where it has the missing ending and stands between those
    /// before and behind: `option_a`, `opton_b`, `option_c`.
    private void fillGaps(Map<Character, String> family) {
        List<String> columns = draft.table().columns();
        List<Character> endings = List.copyOf(family.keySet());
        for (int i = 1; i < endings.size(); i++) {
            char missing = (char) (endings.get(i) - 1);
            int before = columns.indexOf(family.get(endings.get(i - 1)));
            int behind = columns.indexOf(family.get(endings.get(i)));
            if (endings.get(i) - endings.get(i - 1) == 2 && behind - before == 2) {
                String between = columns.get(before + 1);
                Matcher name = NUMBERED.matcher(ColumnWords.normal(between));
                if (name.matches() && name.group(2).charAt(0) == missing) {
                    family.put(missing, between);
                }
            }
        }
    }

    /// Whether the name is a letter or has a word for choices. Long answers are none of a quiz.
    private boolean isChoice(String column, Matcher name) {
        if (name.group(1).isEmpty()) {
            return name.group(2).matches("[a-h]");
        }
        return ColumnWords.has(name.group(1), "choice")
                && draft.columns().facts(column).words() <= LONGEST;
    }

    private static boolean isWithoutGaps(Map<Character, String> family) {
        List<Character> endings = List.copyOf(family.keySet());
        char first = endings.getFirst();
        return endings.size() >= FEWEST
                && (first == 'a' || first == '0' || first == '1')
                && endings.getLast() - first == endings.size() - 1;
    }

    /// The question.
    private Optional<String> question(List<String> choices, List<ChoiceAnswers> keys) {
        List<String> others = new ArrayList<>(choices);
        keys.forEach(k -> others.add(k.key()));
        List<String> named =
                new Narrowing(draft)
                        .prompts(
                                draft.columns().strong(ColumnRole.PROMPT).stream()
                                        .filter(c -> !others.contains(c))
                                        .toList());
        return named.isEmpty()
                ? draft.columns().only(ColumnRole.PROMPT, new HashSet<>(others))
                : named.size() == 1 ? Optional.of(named.getFirst()) : Optional.empty();
    }
}
