package org.attune.trainers.opening;

import java.util.ArrayList;
import java.util.List;

/// What a method tells a person who runs it for the first time.
///
/// @param rows the rows that it reads, in words
/// @param keys what is learned: keys with values that suit a first run
public record FirstRun(String rows, List<Suggestion> keys) {
    public FirstRun {
        keys = List.copyOf(keys);
    }

    /// @param key of a run's file
    /// @param value in YAML
    public record Suggestion(String key, String value) {
        /// A list of pairs.
        ///
        /// @param keysAndValues key, value, key, value, …
        public static List<Suggestion> list(String... keysAndValues) {
            List<Suggestion> list = new ArrayList<>();
            for (int i = 0; i < keysAndValues.length; i += 2) {
                list.add(new Suggestion(keysAndValues[i], keysAndValues[i + 1]));
            }
            return list;
        }
    }

    /// @param keysAndValues key, value, key, value, …
    public static FirstRun of(String rows, String... keysAndValues) {
        return new FirstRun(rows, Suggestion.list(keysAndValues));
    }
}
