package org.attune.text.parse.turn;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;

/// What a part of a turn begins or ends with. Marks are equal if they find the same.
public sealed interface Mark {
    /// The first place from `from` on where it stands, or may come to stand.
    ///
    /// @param isWhole whether the text has ended
    Optional<Hit> search(StringBuilder text, int from, boolean isWhole);

    /// A text.
    static Mark of(String literal) {
        return new Literal(literal, false);
    }

    /// A place right before a text.
    static Mark before(String literal) {
        return new Literal(literal, true);
    }

    /// What an expression matches.
    static Mark of(PythonPattern pattern) {
        return new Expression(pattern);
    }

    /// Every place before which a text comes to stand; only the text's end shows that it doesn't.
    static Mark ahead(String literal) {
        return new Ahead(literal);
    }

    /// Every place before which a text comes to stand.
    record Ahead(String text) implements Mark {
        @Override
        public Optional<Hit> search(StringBuilder in, int from, boolean isWhole) {
            if (in.indexOf(text, from) >= 0) {
                return Optional.of(new Hit(from, from, Map.of()));
            }
            return isWhole ? Optional.empty() : Optional.of(Hit.open(from));
        }
    }

    /// A text, or the place before it.
    record Literal(String text, boolean isBefore) implements Mark {
        @Override
        public Optional<Hit> search(StringBuilder in, int from, boolean isWhole) {
            int start = in.indexOf(text, from);
            if (start >= 0) {
                int end = isBefore ? start : start + text.length();
                return Optional.of(new Hit(start, end, Map.of()));
            }
            int begun = isWhole ? in.length() : begun(in, from);
            return begun < in.length() ? Optional.of(Hit.open(begun)) : Optional.empty();
        }

        /// Where the text begins that isn't there to its end.
        private int begun(StringBuilder in, int from) {
            int start = Math.max(from, in.length() - text.length() + 1);
            while (start < in.length() && !isPrefix(in, start)) {
                start++;
            }
            return start;
        }

        private boolean isPrefix(StringBuilder in, int start) {
            for (int i = start; i < in.length(); i++) {
                if (in.charAt(i) != text.charAt(i - start)) {
                    return false;
                }
            }
            return true;
        }
    }

    /// What an expression matches.
    record Expression(PythonPattern pattern) implements Mark {
        @Override
        public Optional<Hit> search(StringBuilder in, int from, boolean isWhole) {
            if (from > in.length()) {
                return Optional.empty();
            }
            return pattern.on(
                    in, matcher -> isWhole ? last(matcher, from) : first(matcher, in, from));
        }

        private Optional<Hit> last(Matcher matcher, int from) {
            return matcher.find(from) ? Optional.of(hit(matcher)) : Optional.empty();
        }

        /// A match that looked at the text's end may become another one.
        @SuppressWarnings("JdkObsolete") // hitEnd is made for text that grows
        private Optional<Hit> first(Matcher matcher, StringBuilder in, int from) {
            matcher.useTransparentBounds(true).useAnchoringBounds(false);
            for (int start = from; start < in.length(); start++) {
                boolean matches = matcher.region(start, in.length()).lookingAt();
                if (matcher.hitEnd()) {
                    return Optional.of(Hit.open(start));
                }
                if (matches) {
                    return Optional.of(hit(matcher));
                }
            }
            return Optional.empty();
        }

        private Hit hit(Matcher matcher) {
            return new Hit(matcher.start(), matcher.end(), pattern.named(matcher));
        }
    }
}
