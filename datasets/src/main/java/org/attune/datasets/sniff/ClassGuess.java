package org.attune.datasets.sniff;

import org.attune.datasets.rows.Row;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Finds texts that are sorted into classes, such as messages that are spam or not. The text is the
/// prompt, and its class is the answer.
record ClassGuess(Draft draft) {
    /// Mean rows of a class at least; more where its name says nothing.
    private static final int ROWS = 3;

    private static final int MANY_ROWS = 5;

    /// Classes at most, and those under names that say nothing.
    private static final int NAMED = 300;

    private static final int FEW = 20;

    /// Mean words of a class's name at most.
    private static final int NAME = 8;

    /// Mean words or characters of a text whose class has a name that says nothing.
    private static final int WORDS = 3;

    private static final int LETTERS = 14;

    /// Mean words of a remark at most, and how long it is at most beside the text.
    private static final int REMARK = 4;

    private static final double SHORTER = 0.3;

    /// Mean characters from which on a text is more than an example of its language.
    private static final int PAGE = 300;

    /// Share of texts that ask, from which on they may want answers.
    private static final double ASKS = 0.5;

    private static final double FILLED = 0.5;

    /// Share of filled cells up to which a column is what was cut off at a stray delimiter.
    private static final double STRAY = 0.05;

    /// Share of rows that must have a class.
    private static final double SORTED = 0.95;

    /// Share of texts that may have several classes, where other columns may decide.
    private static final double SORTED_TWICE = 0.03;

    /// Takes a text and its class.
    ///
    /// @throws UnclearTableException if several columns may be the class
    boolean classes() {
        Optional<ColumnFacts> text = text();
        Optional<ColumnFacts> sorted = text.flatMap(this::classOf);
        if (sorted.isEmpty()) {
            return false;
        }
        draft.take(ColumnRole.PROMPT, text.get().name());
        draft.take(ColumnRole.COMPLETION, sorted.get().name());
        passRemarks(text.get());
        requireSense(text.get(), sorted.get());
        return true;
    }

    /// What speaks against learning the class from the text alone.
    private void requireSense(ColumnFacts text, ColumnFacts sorted) {
        if (sorted.filled() < (isRating(sorted) ? FILLED : SORTED)) {
            throw draft.unclear(
                    "column \"%s\" names no class in %.0f %% of the rows; if None, NA or an empty cell is a class, give it a word; else take those rows out"
                            .formatted(sorted.name(), 100 * (1 - sorted.filled())));
        }
        List<String> others =
                facts(draft.free()).stream()
                        .filter(f -> f.filled() > STRAY && !draft.columns().countsRows(f))
                        .map(ColumnFacts::name)
                        .toList();
        if (!others.isEmpty() && contradictions(text, sorted) > SORTED_TWICE) {
            throw draft.unclear(
                    "the same text in \"%s\" has several classes in \"%s\", so other columns may decide: %s"
                            .formatted(text.name(), sorted.name(), Draft.quoted(others)));
        }
        note(text, sorted);
    }

    /// Share of texts that have several classes.
    private double contradictions(ColumnFacts text, ColumnFacts sorted) {
        Map<Object, Set<Object>> classes = new HashMap<>();
        for (Row row : draft.table().rows()) {
            if (row.get(text.name()) != null && row.get(sorted.name()) != null) {
                classes.computeIfAbsent(row.get(text.name()), _ -> new HashSet<>())
                        .add(row.get(sorted.name()));
            }
        }
        return classes.values().stream().filter(c -> c.size() > 1).count()
                / (double) Math.max(1, classes.size());
    }

    private void note(ColumnFacts text, ColumnFacts sorted) {
        draft.note(
                "column \"%s\" sorts the texts into %d classes; to learn the texts themselves: --text %s"
                        .formatted(
                                sorted.name(),
                                sorted.different(),
                                TableMapping.quoted(text.name())));
        if (sorted.kind() == ColumnFacts.Kind.NUMBER) {
            draft.note(
                    "its classes are numbers, which the model will answer with; words, as positive"
                            + " and negative, are learned sooner");
        }
    }

    /// Whether a pair that was taken is a text and its class.
    boolean isClassified() {
        return isNamed(draft.roles().get(ColumnRole.COMPLETION).getFirst()) && answersRecur();
    }

    /// Whether the answers that were taken are a few values.
    boolean answersRecur() {
        String answer = draft.roles().get(ColumnRole.COMPLETION).getFirst();
        return Optional.ofNullable(draft.columns().facts(answer))
                .filter(this::holdsClasses)
                .isPresent();
    }

    /// Looks whether the pair that was taken is the only text with its only class.
    TableMapping.Kind taken() {
        ColumnFacts text = facts(draft.roles().get(ColumnRole.PROMPT)).getFirst();
        ColumnFacts sorted = facts(draft.roles().get(ColumnRole.COMPLETION)).getFirst();
        facts(draft.free()).stream()
                .filter(f -> isSame(sorted, f))
                .forEach(f -> draft.pass(f.name()));
        List<ColumnFacts> classes = named(facts(draft.free()));
        if (!classes.isEmpty()) {
            classes.addFirst(sorted);
            throw several(text, classes);
        }
        requireSense(text, sorted);
        return TableMapping.Kind.CLASSES;
    }

    /// The only text that may be sorted.
    private Optional<ColumnFacts> text() {
        List<ColumnFacts> texts =
                facts(draft.free()).stream()
                        .filter(f -> f.kind() == ColumnFacts.Kind.TEXT && f.filled() >= FILLED)
                        .filter(f -> !ColumnWords.strong(f.name()).contains(ColumnRole.IGNORE))
                        .filter(f -> !isNamed(f.name()) || !holdsClasses(f))
                        .toList();
        double longest = texts.stream().mapToDouble(ColumnFacts::letters).max().orElse(0);
        List<ColumnFacts> left = texts.stream().filter(f -> !isRemark(f, longest)).toList();
        if (left.size() > 1) {
            left = left.stream().filter(f -> !ColumnWords.has(f.name(), "variant")).toList();
        }
        return left.size() == 1 && !answers(left.getFirst())
                ? Optional.of(left.getFirst())
                : Optional.empty();
    }

    /// Whether it is an answer by its name, so that a label would say whether it is good.
    private static boolean answers(ColumnFacts text) {
        var roles = ColumnWords.within(text.name().replaceAll("_[A-Za-z]$", "")); // text_a
        return roles.contains(ColumnRole.COMPLETION)
                || roles.contains(ColumnRole.CHOSEN)
                || roles.contains(ColumnRole.REJECTED);
    }

    private static boolean isRemark(ColumnFacts column, double longest) {
        return column.words() < REMARK && column.letters() < SHORTER * longest;
    }

    private Optional<ColumnFacts> classOf(ColumnFacts text) {
        List<ColumnFacts> others =
                facts(draft.free()).stream().filter(f -> !f.equals(text)).toList();
        List<ColumnFacts> named = withoutCodes(named(others));
        if (named.size() > 1) {
            throw several(text, named);
        }
        if (named.size() == 1) {
            return Optional.of(named.getFirst());
        }
        List<ColumnFacts> stars = others.stream().filter(f -> rates(f) && holdsClasses(f)).toList();
        if (stars.size() == 1 && isRated(text.name(), stars.getFirst())) {
            return Optional.of(stars.getFirst());
        }
        List<ColumnFacts> beside =
                others.stream()
                        .filter(f -> f.filled() > STRAY && !draft.columns().countsRows(f))
                        .toList();
        return beside.size() == 1 && sorts(beside.getFirst(), text)
                ? Optional.of(beside.getFirst())
                : Optional.empty();
    }

    private List<ColumnFacts> named(List<ColumnFacts> columns) {
        return columns.stream()
                .filter(f -> isNamed(f.name()) && holdsClasses(f))
                .collect(Collectors.toCollection(ArrayList::new));
    }

    private UnclearTableException several(ColumnFacts text, List<ColumnFacts> classes) {
        return draft.unclear(
                "several columns may be the class of \"%s\": %s"
                        .formatted(
                                text.name(),
                                Draft.quoted(classes.stream().map(ColumnFacts::name).toList())));
    }

    /// Those of which no other says the same in words, or the same at all.
    private List<ColumnFacts> withoutCodes(List<ColumnFacts> named) {
        List<ColumnFacts> kept = new ArrayList<>();
        for (ColumnFacts column : named) {
            Optional<ColumnFacts> same = kept.stream().filter(k -> isSame(k, column)).findFirst();
            if (same.isEmpty()) {
                kept.add(column);
            } else if (isCode(same.get()) && !isCode(column)) {
                kept.set(kept.indexOf(same.get()), column);
            }
        }
        named.stream().filter(f -> !kept.contains(f)).forEach(f -> draft.pass(f.name()));
        return kept;
    }

    private static boolean isCode(ColumnFacts column) {
        return column.kind() == ColumnFacts.Kind.NUMBER;
    }

    /// Whether each value of one column has one of the other, and the other way round.
    private boolean isSame(ColumnFacts one, ColumnFacts other) {
        long pairs =
                draft.table().rows().stream()
                        .map(row -> Arrays.asList(row.get(one.name()), row.get(other.name())))
                        .filter(pair -> pair.getFirst() != null || pair.getLast() != null)
                        .distinct()
                        .count();
        return one.different() == other.different() && pairs == one.different();
    }

    private List<ColumnFacts> facts(List<String> columns) {
        return columns.stream().map(draft.columns()::facts).toList();
    }

    /// Whether the name says class, as `label`, `intent_name` or `is_spam`.
    static boolean isNamed(String column) {
        List<String> words = ColumnWords.split(column);
        boolean coded = words.size() > 1 && ColumnWords.has(words.getLast(), "classCode");
        return ColumnWords.isClass(column)
                || coded
                        && ColumnWords.isClass(
                                String.join("_", words.subList(0, words.size() - 1)));
    }

    /// Whether there are a few values that recur.
    private boolean holdsClasses(ColumnFacts column) {
        boolean words =
                column.kind() == ColumnFacts.Kind.CATEGORY
                        || column.kind() == ColumnFacts.Kind.TEXT && column.words() < NAME;
        boolean numbers =
                column.kind() == ColumnFacts.Kind.NUMBER
                        && column.whole()
                        && (few(column) || ColumnWords.has(column.name(), "coded"));
        return (words || numbers)
                && column.different() >= 2
                && column.different() <= NAMED
                && recurs(column, ROWS);
    }

    /// Whether it holds stars or thumbs, rather than how often others liked a text.
    private static boolean rates(ColumnFacts column) {
        return ColumnWords.judges(column.name())
                && (column.judges() || column.isScale())
                && !ColumnWords.has(column.name(), "votes");
    }

    /// Whether stars or thumbs rate what a review speaks of, or stars a text of no other kind.
    private static boolean isRated(String text, ColumnFacts stars) {
        return ColumnWords.has(text, "review")
                || ColumnWords.strong(text).contains(ColumnRole.TEXT)
                        && !ColumnWords.has(text, "work")
                        && isRating(stars);
    }

    /// Whether it holds stars, of which an empty cell is none.
    private static boolean isRating(ColumnFacts column) {
        return rates(column) && ColumnWords.strong(column.name()).contains(ColumnRole.RATING);
    }

    private static boolean few(ColumnFacts column) {
        return column.different() <= FEW;
    }

    private boolean recurs(ColumnFacts column, int rows) {
        return column.different() * rows <= column.filled() * draft.table().rows().size();
    }

    /// Whether a column that is alone beside a text can be nothing but its class. Its values say
    /// so, or it holds a few words under a name that is neither one of where a text is from nor of
    /// what people ask and answer.
    private boolean sorts(ColumnFacts column, ColumnFacts text) {
        if (!holdsClasses(column)) {
            return false;
        }
        boolean plain = !draft.isNamed(column.name()) || !ColumnWords.isKnown(column.name());
        if (plain && holdsClassWord(column)) {
            return true;
        }
        boolean prose = text.words() >= WORDS || text.letters() >= LETTERS && text.words() < 1.5;
        boolean asks =
                text.questions() >= ASKS
                        || ColumnWords.strong(text.name()).contains(ColumnRole.PROMPT);
        if (!prose || asks || ColumnWords.has(text.name(), "work")) {
            return false;
        }
        if (!draft.table().named()) {
            return column.kind() == ColumnFacts.Kind.NUMBER && column.judges();
        }
        boolean strange =
                draft.isNamed(column.name())
                        && !column.isBare()
                        && !ColumnWords.isKnown(column.name())
                        && ColumnWords.within(column.name()).isEmpty()
                        && !ColumnWords.has(column.name(), "origin")
                        && !ColumnWords.has(column.name(), "owner")
                        && !ColumnWords.has(column.name(), "count")
                        && !ColumnWords.isLanguage(column.name());
        boolean page = ColumnWords.has(column.name(), "origin") && text.letters() > PAGE;
        boolean sorted = strange || ColumnWords.is(column.name(), "sorting") && !page;
        return few(column)
                && recurs(column, MANY_ROWS)
                && (ColumnWords.judges(column.name())
                        || column.kind() == ColumnFacts.Kind.CATEGORY && sorted);
    }

    private static boolean holdsClassWord(ColumnFacts column) {
        return column.values().stream()
                .anyMatch(v -> ColumnWords.is(v.toLowerCase(Locale.ROOT), "classWord"));
    }

    private void passRemarks(ColumnFacts text) {
        for (ColumnFacts f : facts(draft.free())) {
            boolean variant =
                    ColumnWords.has(f.name(), "variant") && f.kind() == ColumnFacts.Kind.TEXT;
            boolean remark = f.kind() == ColumnFacts.Kind.TEXT && isRemark(f, text.letters());
            if (variant || remark || f.filled() <= STRAY) {
                draft.pass(f.name());
                draft.note(
                        "column \"%s\" %s, and is left out"
                                .formatted(
                                        f.name(),
                                        f.filled() <= STRAY
                                                ? "is nearly empty"
                                                : variant
                                                        ? "is another form of the text"
                                                        : "holds a few words beside the text"));
            }
        }
    }
}
