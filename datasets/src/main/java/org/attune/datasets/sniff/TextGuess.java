package org.attune.datasets.sniff;

import org.attune.datasets.rows.Row;

import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Finds plain texts: a column that is named so, or the only one of prose. Titles, lists, questions
/// without answers and texts that are sorted into classes are none.
record TextGuess(Draft draft) {
    private static final int PROSE = 10;
    private static final double RIVAL = 0.5;

    /// By how much of all rows those of one parity ask more often than the others.
    private static final double TURNS = 0.3;

    /// Share of texts that ask, from which on they are to be answered rather than learned.
    private static final double ASKS = 0.5;

    private static final double TITLES_ASK = 0.2;

    /// Mean words or characters of a text in the only column at least.
    private static final int WORDS = 3;

    private static final int LETTERS = 14;

    /// Different numbers of a column that sorts texts at most.
    private static final int CLASSES = 20;

    private static final Set<ColumnRole> DIALOGUE =
            EnumSet.of(
                    ColumnRole.PROMPT,
                    ColumnRole.COMPLETION,
                    ColumnRole.CHOSEN,
                    ColumnRole.REJECTED);

    /// Takes the text.
    ///
    /// @throws UnclearTableException if it is there, and is none to learn from as it stands
    boolean text() {
        List<String> all =
                draft.columns().columns().stream()
                        .filter(c -> draft.columns().facts(c).kind() == ColumnFacts.Kind.TEXT)
                        .toList();
        List<String> texts =
                all.stream()
                        .filter(c -> !ColumnWords.strong(c).contains(ColumnRole.IGNORE))
                        .toList();
        List<String> named =
                draft.columns().strong(ColumnRole.TEXT).stream().filter(texts::contains).toList();
        List<String> could =
                named.size() == 1 ? named : texts.stream().filter(this::isProse).toList();
        if (could.size() != 1) {
            return false;
        }
        String text = could.getFirst();
        if (ColumnWords.isInput(text) // of a table without outputs
                || all.stream().anyMatch(c -> rivals(c, text))
                || draft.columns().columns().stream().anyMatch(c -> isOfDialogue(c, text))) {
            return false;
        }
        doubt(text)
                .ifPresent(
                        why -> {
                            throw draft.unclear(why);
                        });
        draft.take(ColumnRole.TEXT, text);
        draft.free(texts).stream()
                .filter(c -> ColumnWords.strong(c).contains(ColumnRole.ROLE))
                .forEach(draft::pass);
        if (!named.isEmpty()) {
            draft.free(texts).stream().filter(this::isTitle).forEach(draft::pass);
        }
        return true;
    }

    private Optional<String> doubt(String text) {
        if (asksByTurns(text)) {
            return Optional.of(
                    "column \"%s\" has questions and answers in turn; put each answer beside its question"
                            .formatted(text));
        }
        if (asking(text) >= ASKS) {
            return Optional.of(
                    "column \"%s\" holds questions or requests, and no column holds what answers them"
                            .formatted(text));
        }
        List<String> others =
                draft.columns().columns().stream().filter(c -> !c.equals(text)).toList();
        Optional<String> speaker = others.stream().filter(c -> speaks(c, text)).findFirst();
        if (speaker.isPresent()) {
            return Optional.of(
                    "column \"%s\" may say who speaks each \"%s\", and nothing says who is the assistant"
                            .formatted(speaker.get(), text));
        }
        Optional<String> judge = others.stream().filter(this::judges).findFirst();
        if (judge.isPresent()) {
            return Optional.of(
                    "column \"%s\" says the same of all texts; to learn them: --text %s"
                            .formatted(judge.get(), TableMapping.quoted(text)));
        }
        return others.stream().filter(c -> isClass(c, text)).findFirst().map(c -> classes(c, text));
    }

    /// Whether texts are what people in a play say.
    private boolean speaks(String column, String text) {
        ColumnFacts facts = draft.columns().facts(column);
        boolean names =
                ColumnCandidates.isTextual(facts) // not a count of characters
                        || ColumnWords.split(column).contains("speaker");
        return names
                && ColumnWords.has(column, "speaker")
                && ColumnWords.has(text, "spoken")
                && facts.different() > 1;
    }

    /// Whether it says how good texts are, and the same of all.
    private boolean judges(String column) {
        return draft.columns().facts(column).different() == 1 && ColumnWords.judges(column);
    }

    private static String classes(String column, String text) {
        return "column \"%s\" may sort the texts into classes; to learn the classes: --prompt %s --response %s; to learn the texts: --text %s"
                .formatted(
                        column,
                        TableMapping.quoted(text),
                        TableMapping.quoted(column),
                        TableMapping.quoted(text));
    }

    /// Short words or a few numbers that recur, unless their name says where a text is from.
    private boolean isClass(String column, String text) {
        ColumnFacts facts = draft.columns().facts(column);
        if (ClassGuess.isNamed(column) && facts.kind() != ColumnFacts.Kind.MARK) {
            return facts.kind() != ColumnFacts.Kind.NUMBER
                    || facts.whole() && !draft.columns().countsRows(facts);
        }
        boolean few =
                facts.kind() == ColumnFacts.Kind.CATEGORY
                        || facts.kind() == ColumnFacts.Kind.NUMBER
                                && facts.different() <= CLASSES
                                && facts.different() <= 0.1 * draft.table().rows().size();
        return few
                && facts.different() > 1
                && (!draft.table().named() || sorts(facts) && !ColumnWords.has(text, "work"));
    }

    /// Whether it holds a few short words that say neither where a text is from nor who wrote it.
    private static boolean sorts(ColumnFacts column) {
        return column.kind() == ColumnFacts.Kind.CATEGORY
                && column.different() <= CLASSES
                && !ColumnWords.has(column.name(), "origin");
    }

    /// Whether a column of little weight by its name, as `ref`, holds nearly as much to read.
    private boolean rivals(String column, String text) {
        return !column.equals(text)
                && ColumnWords.strong(column).contains(ColumnRole.IGNORE)
                && draft.columns().facts(column).words() >= PROSE
                && draft.columns().facts(column).letters()
                        > RIVAL * draft.columns().facts(text).letters();
    }

    /// A title that asks may be a question that the text answers.
    private boolean isTitle(String column) {
        return ColumnWords.has(column, "title")
                && draft.columns().facts(column).questions() < TITLES_ASK;
    }

    /// Share of texts with a question mark; of those without a name also with words that ask.
    private double asking(String column) {
        if (draft.table().named()) {
            return draft.columns().facts(column).questions();
        }
        return Asking.share(draft.table(), column);
    }

    /// Whether every second cell asks, and those between don't.
    private boolean asksByTurns(String column) {
        List<Row> rows = draft.table().rows();
        double[] asking = new double[2];
        for (int i = 0; i < rows.size(); i++) {
            Object cell = rows.get(i).get(column);
            asking[i % 2] += cell != null && Asking.asks(String.valueOf(cell)) ? 1 : 0;
        }
        return Math.abs(asking[0] - asking[1]) > TURNS * rows.size();
    }

    /// Whether a column without a name for texts holds them, rather than titles, lists, addresses
    /// or single words.
    private boolean isProse(String column) {
        ColumnFacts facts = draft.columns().facts(column);
        boolean alone = draft.columns().columns().size() == 1;
        boolean enough =
                alone
                        ? facts.words() >= WORDS || facts.letters() >= LETTERS && !isOneWord(facts)
                        : facts.words() >= PROSE || facts.letters() >= 60;
        return enough && !ColumnWords.has(column, "title") && !holdsLists(column);
    }

    /// Whether texts are words of letters that are written apart from others.
    private static boolean isOneWord(ColumnFacts facts) {
        return facts.words() < 1.5
                && facts.values().stream()
                        .allMatch(v -> v.codePoints().noneMatch(c -> c >= 0x0E00));
    }

    /// Whether most cells have two or more `|`.
    private boolean holdsLists(String column) {
        return draft.table().share(r -> bars(String.valueOf(r.get(column))) >= 2) > ASKS;
    }

    private static long bars(String text) {
        return text.chars().filter(c -> c == '|').count();
    }

    /// Whether a column is about questions or answers, so that a table of it is no plain text.
    private boolean isOfDialogue(String column, String text) {
        ColumnFacts.Kind kind = draft.columns().facts(column).kind();
        boolean says =
                column.equals(text)
                        || kind == ColumnFacts.Kind.TEXT
                        || kind == ColumnFacts.Kind.NUMBER;
        return says && !Collections.disjoint(DIALOGUE, ColumnWords.within(column));
    }
}
