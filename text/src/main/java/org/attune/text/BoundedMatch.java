package org.attune.text;

import org.attune.error.AttuneException;
import org.attune.error.Excerpt;

import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// Matching with a regular expression of a stranger: where it goes back and forth without end, it
/// is given up. Java's expressions are kept, and not exchanged for ones of linear time, since
/// those have neither lookahead nor references, which PEFT's users write.
public final class BoundedMatch {
    private static final int LONGEST = 20_000;

    /// Steps that look at no character can't be counted, so there must be few.
    private static final int MOST_EMPTY_CHOICES = 6;

    private BoundedMatch() {}

    /// Compiles an expression that can be given up.
    ///
    /// @throws PatternSyntaxException if it is malformed, or would take steps that can't be counted
    public static Pattern compile(String expression, int flags) {
        if (expression.length() > LONGEST) {
            throw new PatternSyntaxException(
                    "more than %d characters".formatted(LONGEST), Excerpt.of(expression), LONGEST);
        }
        Pattern pattern;
        int choices;
        try {
            pattern = Pattern.compile(expression, flags);
            choices = PatternShape.emptyChoices(expression);
        } catch (StackOverflowError e) {
            throw new PatternSyntaxException(
                    "groups nested too deeply", Excerpt.of(expression), -1);
        }
        if (choices > MOST_EMPTY_CHOICES) {
            throw new PatternSyntaxException(
                    "too many repetitions or alternatives of what may be empty, like (a*)*",
                    expression,
                    -1);
        }
        return pattern;
    }

    /// A match took too many steps.
    public static final class TooManyStepsException extends AttuneException {
        private static final long serialVersionUID = 1L;

        TooManyStepsException(Pattern pattern, CharSequence text, String what) {
            super(
                    ("the regular expression \"%s\" %s on the text \"%s\"; write it without"
                                    + " repetitions of what can be matched in several ways, like"
                                    + " (a+)+ or .*.*")
                            .formatted(Excerpt.of(pattern), what, Excerpt.of(text)));
        }
    }

    /// What `use` gives for a matcher of a text.
    ///
    /// @param steps looks at a character of the text after which the match is given up
    /// @throws TooManyStepsException if there were more, or the expression calls itself too deeply
    public static <T> T apply(
            Pattern pattern, CharSequence text, long steps, Function<Matcher, T> use) {
        try {
            return use.apply(pattern.matcher(new CountedText(text, steps)));
        } catch (StepsTakenException e) {
            throw new TooManyStepsException(pattern, text, "takes more than " + steps + " steps");
        } catch (StackOverflowError e) {
            throw new TooManyStepsException(pattern, text, "repeats a group too often");
        }
    }

    private static final class StepsTakenException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        StepsTakenException() {
            super("too many steps", null, false, false);
        }
    }

    /// A text that can be looked at so many times, and not once its thread is interrupted.
    private static final class CountedText implements CharSequence {
        /// A look at the thread's state takes longer than one at a character.
        private static final int INTERRUPTED_EVERY = 1 << 10;

        private final CharSequence text;
        private long left;

        CountedText(CharSequence text, long steps) {
            this.text = text;
            this.left = steps;
        }

        @Override
        public char charAt(int index) {
            if (--left < 0) {
                throw new StepsTakenException();
            }
            if (left % INTERRUPTED_EVERY == 0 && Thread.currentThread().isInterrupted()) {
                throw new IllegalStateException("the pattern took too long and was interrupted");
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.subSequence(start, end);
        }

        @Override
        public String toString() {
            return text.toString();
        }
    }
}
