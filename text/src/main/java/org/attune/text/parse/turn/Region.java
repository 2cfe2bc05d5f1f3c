package org.attune.text.parse.turn;

import java.util.List;
import java.util.Map;

/// A part of a turn that a mark opened.
public sealed interface Region {
    /// What ends it.
    List<Mark> closes();

    /// Part of a text of the message.
    ///
    /// @param isReasoning whether of the reasoning, else of the content
    record Prose(boolean isReasoning, List<Mark> closes) implements Region {
        public Prose {
            closes = List.copyOf(closes);
        }
    }

    /// Calls.
    ///
    /// @param quotes marks of strings, within which nothing closes it
    /// @param mayEndOpen whether the turn's end closes it too
    /// @param reader of its text
    record Calls(List<Mark> closes, List<Quote> quotes, boolean mayEndOpen, CallReader reader)
            implements Region {
        public Calls {
            closes = List.copyOf(closes);
            quotes = List.copyOf(quotes);
        }
    }

    /// Another field of the message.
    ///
    /// @param reader puts what it reads into the message
    record Value(List<Mark> closes, ValueReader reader) implements Region {
        public Value {
            closes = List.copyOf(closes);
        }
    }

    /// Reads a field's text.
    @FunctionalInterface
    interface ValueReader {
        /// @param body between what opened and what closed the region
        /// @param groups what these name
        /// @param message its fields so far
        /// @throws UnreadableException if it can't be read
        void read(String body, Map<String, String> groups, Map<String, Object> message);
    }
}
