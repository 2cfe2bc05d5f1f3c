package org.attune.datasets;

import java.util.Set;

/// What a run does with columns that its rows aren't made of.
public sealed interface ColumnUse {
    /// Nothing: content that would be lost is an error.
    ///
    /// @param read columns that are read beside
    record RowsOnly(Set<String> read) implements ColumnUse {
        public RowsOnly {
            read = Set.copyOf(read);
        }

        /// No other column is read.
        public RowsOnly() {
            this(Set.of());
        }
    }

    /// Only prompts are used, and rewards read other columns. What belongs to a question and is
    /// read by nobody is an error; answers aren't, since the model writes its own.
    ///
    /// @param read columns that rewards name
    record PromptsAndRewards(Set<String> read) implements ColumnUse {
        public PromptsAndRewards {
            read = Set.copyOf(read);
        }
    }

    /// No column is missed: they were given up on purpose.
    record Ignored() implements ColumnUse {}

    /// Any column may be read by code of the user's own.
    record Anything() implements ColumnUse {}
}
