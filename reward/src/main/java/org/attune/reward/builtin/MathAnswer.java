package org.attune.reward.builtin;

import java.util.Optional;
import java.util.regex.Pattern;

/// An answer to a problem of mathematics: what it means, if it is understood, and how it was
/// written.
///
/// @param value what it means; empty if it isn't understood
/// @param text  as it was written, without what only changes the looks
record MathAnswer(Optional<MathValue> value, String text) {
    private static final int LONGEST = 2000;

    /// Commands, with words that they set, as `\sqrt`, `\text{Paris}` and `\begin{matrix}`.
    private static final Pattern COMMAND = Pattern.compile("\\\\[a-zA-Z]+(?:\\{[a-zA-Z ]*})?");

    private static final Pattern WORD = Pattern.compile("[a-zA-Z]{3}|(?<![^ ])[a-zA-Z]{2}(?![^ ])");

    /// What the gold column holds: the inside of a box or of a formula, the last number of a plain
    /// text, or all of it where there is LaTeX without marks around it.
    ///
    /// @return empty if there is nothing to compare with
    static Optional<MathAnswer> gold(String text) {
        boolean marked =
                AnswerBoxes.any(text)
                        || text.indexOf('$') >= 0
                        || text.contains("\\(")
                        || text.contains("\\[");
        if (!marked && text.indexOf('\\') >= 0) {
            Optional<MathAnswer> whole = whole(text);
            if (whole.isPresent()) {
                return whole;
            }
        }
        Optional<MathAnswer> found = AnswerSearch.find(text, true);
        boolean digits = text.chars().anyMatch(c -> c >= '0' && c <= '9');
        return found.isPresent() || marked || !digits ? found : whole(text);
    }

    /// What a completion answers: the inside of its last box, or the formula behind the word
    /// "answer".
    static Optional<MathAnswer> answer(String text) {
        return AnswerSearch.find(text, false);
    }

    private static Optional<MathAnswer> whole(String text) {
        if (text.length() > LONGEST || isProse(text)) {
            return Optional.empty();
        }
        String latex = AnswerLatex.plain(text, true);
        return MathReader.read(latex).map(value -> new MathAnswer(Optional.of(value), latex));
    }

    /// Whether a text has words: then it is no expression as a whole, but could be read as a
    /// product of letters, which no completion equals.
    private static boolean isProse(String text) {
        return WORD.matcher(COMMAND.matcher(text).replaceAll(" ")).find();
    }

    /// @return empty if nothing is left to compare
    Optional<MathAnswer> withText(String other) {
        return value.isEmpty() && other.isEmpty()
                ? Optional.empty()
                : Optional.of(new MathAnswer(value, other));
    }

    /// Whether another means what this right answer means, or is written alike.
    boolean matches(MathAnswer other) {
        return !text.isBlank() && text.strip().equals(other.text.strip())
                || value.isPresent()
                        && other.value.isPresent()
                        && MathEquality.means(value.get(), other.value.get());
    }
}
