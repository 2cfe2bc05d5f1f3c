package org.attune.text.parse.turn;

import java.util.List;
import java.util.Map;

/// Reads the text of a region that holds calls.
@FunctionalInterface
public interface CallReader {
    /// @param body between what opened and what closed the region
    /// @param groups what these name
    /// @throws UnreadableException if nothing of it can be read
    CallReading read(String body, Map<String, String> groups);

    /// Calls of a region, and what else it says.
    ///
    /// @param content text that is no call
    record CallReading(List<WrittenCall> calls, String content) {
        public CallReading {
            calls = List.copyOf(calls);
        }

        /// Nothing but calls.
        public static CallReading of(List<WrittenCall> calls) {
            return new CallReading(calls, "");
        }
    }
}
