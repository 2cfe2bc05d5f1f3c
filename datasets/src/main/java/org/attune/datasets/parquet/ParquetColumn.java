package org.attune.datasets.parquet;

import org.attune.text.Message;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// A named column of a table; a value that is null is missing in the file too.
public sealed interface ParquetColumn {
    String name();

    /// One value per row.
    List<?> values();

    /// Double precision; infinities and NaN are values.
    record Doubles(String name, List<Double> values) implements ParquetColumn {
        public Doubles {
            values = copy(values);
        }
    }

    /// Whole numbers of 64 bits.
    record Longs(String name, List<Long> values) implements ParquetColumn {
        public Longs {
            values = copy(values);
        }
    }

    /// True or false.
    record Booleans(String name, List<Boolean> values) implements ParquetColumn {
        public Booleans {
            values = copy(values);
        }
    }

    /// Texts, in UTF-8.
    record Texts(String name, List<String> values) implements ParquetColumn {
        public Texts {
            values = copy(values);
        }
    }

    /// Conversations: a list of structs, which pandas reads as dictionaries. A struct has every
    /// field that any message of the column has, as text; what isn't text (tool calls, say) is
    /// JSON.
    record Conversations(String name, List<List<Message>> values) implements ParquetColumn {
        public Conversations {
            values = copy(values);
        }

        /// Names of the fields, in the order in which they are met.
        Set<String> fields() {
            Set<String> fields = new LinkedHashSet<>();
            for (List<Message> conversation : values) {
                if (conversation != null) {
                    conversation.forEach(message -> fields.addAll(message.fields().keySet()));
                }
            }
            if (fields.isEmpty()) {
                fields.add("content"); // Parquet has no empty structs
            }
            return fields;
        }
    }

    private static <T> List<T> copy(List<T> values) {
        return Collections.unmodifiableList(new ArrayList<>(values)); // List.copyOf refuses null
    }
}
