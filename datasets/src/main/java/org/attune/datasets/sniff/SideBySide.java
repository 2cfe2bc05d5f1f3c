package org.attune.datasets.sniff;

import java.util.List;
import java.util.regex.Pattern;

/// Finds tables of nothing but two texts a row, such as sentences and their translations or turns
/// and their replies. Where nothing says which text is the answer, it is the right one, as people
/// write. That is said; and it holds only where texts are of similar length and the right one
/// doesn't ask more than the left one, since a title beside its text may be meant either way.
record SideBySide(Draft draft) {
    private static final double FILLED = 0.9;
    private static final double HALF = 0.5;

    /// Mean words and characters, of which one must be reached, of at least one of the two.
    private static final int WORDS = 3;

    private static final int LETTERS = 14;

    /// Words of a dictionary at least.
    private static final int DICTIONARY = 50;

    /// How many times as long as the other text one may be.
    private static final double LONGER = 4;

    /// The same of languages: scripts differ by more.
    private static final double LONGER_SCRIPT = 6;

    /// By how much the share of questions of the right column may be above that of the left one.
    private static final double ASKS = 0.15;

    /// Share of texts with a question mark from which on marks are used.
    private static final double MARKS = 0.03;

    /// A word with signs or digits within.
    private static final Pattern CODE =
            Pattern.compile("(?=\\S*[\\p{L}\\d])\\S+([_/\\\\=:<>{}#@]|\\.(?=\\w)|\\d)\\S*");

    private static final Pattern LETTERS_ONLY = Pattern.compile("[\\p{L}\\p{M}\\p{Pd}'’ ]+");
    private static final Pattern CAPITAL = Pattern.compile("(?s)\\p{Lu}.*");
    private static final Pattern LICENCE = Pattern.compile("(?s)CC[- ](BY|0).*");

    /// Share of codes from which on a column holds no texts.
    private static final double CODES = 0.15;

    /// Takes the left text as the prompt and the right one as its completion.
    boolean pair() {
        List<ColumnFacts> texts =
                draft.free().stream()
                        .map(draft.columns()::facts)
                        .filter(f -> isText(f) && !isLicence(f.name()))
                        .filter(f -> !isIgnored(f.name()))
                        .toList();
        if (texts.size() != 2) {
            return false;
        }
        ColumnFacts left = texts.getFirst();
        ColumnFacts right = texts.getLast();
        boolean named = draft.isNamed(left.name()) || draft.isNamed(right.name());
        boolean fits = named ? areLanguages(left, right) : areAlone(left, right);
        if (!fits
                || left.filled() < (named ? HALF : FILLED)
                || right.filled() < (named ? HALF : FILLED)
                || asksMore(right, left, named)
                || !named && bothAsk(left, right)
                || !named && (holdsCodes(left) || holdsCodes(right))
                || longer(left, right) > (named ? LONGER_SCRIPT : LONGER)) {
            return false;
        }
        draft.free().stream().filter(this::isLicence).forEach(draft::pass);
        draft.take(ColumnRole.PROMPT, left.name());
        draft.take(ColumnRole.COMPLETION, right.name());
        draft.note(
                "nothing says which column is the answer: as in most tables of two texts, the right one, \"%s\", is taken; if it is the left one: --prompt %s --response %s"
                        .formatted(
                                right.name(),
                                TableMapping.quoted(right.name()),
                                TableMapping.quoted(left.name())));
        return true;
    }

    /// In long dictionaries words recur.
    private static boolean isText(ColumnFacts column) {
        boolean words =
                column.kind() == ColumnFacts.Kind.CATEGORY && column.different() >= DICTIONARY;
        return column.kind() == ColumnFacts.Kind.TEXT
                || words && ColumnWords.isLanguage(column.name());
    }

    private static boolean isIgnored(String column) {
        return ColumnWords.strong(column).contains(ColumnRole.IGNORE)
                && !ColumnWords.isLanguage(column);
    }

    /// Two languages, or a language and a name that isn't known, as of a dialect.
    private static boolean areLanguages(ColumnFacts left, ColumnFacts right) {
        boolean one = ColumnWords.isLanguage(left.name());
        boolean other = ColumnWords.isLanguage(right.name());
        return one && (other || isStrange(right)) || other && isStrange(left);
    }

    private static boolean isStrange(ColumnFacts column) {
        return ColumnWords.split(column.name()).size() == 1
                && !ColumnWords.isKnown(column.name())
                && !ColumnWords.has(column.name(), "beside")
                && !ColumnWords.has(column.name(), "variant");
    }

    /// Whether there is nothing else that may say something of the two, such as a class or a score.
    private boolean areAlone(ColumnFacts left, ColumnFacts right) {
        boolean words = areWords(left) && areWords(right) && !(areNames(left) && areNames(right));
        return (words || areSentences(left, right))
                && draft.columns().columns().stream()
                        .map(draft.columns()::facts)
                        .filter(f -> !f.equals(left) && !f.equals(right))
                        .allMatch(f -> isLicence(f.name()) || draft.columns().countsRows(f));
    }

    private static boolean areSentences(ColumnFacts left, ColumnFacts right) {
        return (isLong(left) || isLong(right)) && !left.holdsWords() && !right.holdsWords();
    }

    /// Whether they are words as in a dictionary: many, most of them once, of letters only.
    private boolean areWords(ColumnFacts column) {
        return draft.table().rows().size() >= DICTIONARY
                && share(column, LETTERS_ONLY) > FILLED
                && column.different() > HALF * draft.table().rows().size();
    }

    /// Whether most begin with a capital, as names of people and places.
    private boolean areNames(ColumnFacts column) {
        return share(column, CAPITAL) >= HALF;
    }

    private static boolean isLong(ColumnFacts column) {
        return column.words() >= WORDS || column.letters() >= LETTERS;
    }

    private static double longer(ColumnFacts left, ColumnFacts right) {
        return Math.max(left.letters() / right.letters(), right.letters() / left.letters());
    }

    /// Whether every cell says who may use the row, as lists of Tatoeba's sentences do.
    private boolean isLicence(String column) {
        return draft.table().rows().stream()
                .map(row -> row.get(column))
                .allMatch(cell -> LICENCE.matcher(String.valueOf(cell)).matches());
    }

    /// Whether many cells are identities, files or commands, as `find_api` and `a/b.wav`.
    private boolean holdsCodes(ColumnFacts column) {
        return share(column, CODE) > CODES;
    }

    private double share(ColumnFacts column, Pattern pattern) {
        return draft.table()
                .share(row -> pattern.matcher(String.valueOf(row.get(column.name()))).matches());
    }

    /// Questions beside questions are those that mean the same, or don't.
    private boolean bothAsk(ColumnFacts left, ColumnFacts right) {
        return Asking.share(draft.table(), left.name()) >= HALF
                && Asking.share(draft.table(), right.name()) >= HALF;
    }

    /// By question marks; by words only where nothing has marks or names.
    private boolean asksMore(ColumnFacts right, ColumnFacts left, boolean named) {
        return named || Math.max(right.questions(), left.questions()) >= MARKS
                ? right.questions() > left.questions() + ASKS
                : Asking.share(draft.table(), right.name())
                        > Asking.share(draft.table(), left.name()) + ASKS;
    }
}
