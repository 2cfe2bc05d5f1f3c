package org.attune.datasets.parquet;

import org.attune.json.Json;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;

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

    /// A column of the narrowest kind that holds all values: truth values, whole numbers, numbers,
    /// conversations, else texts. What is neither then is written as JSON.
    ///
    /// @param values null, [Boolean], [Long], [Double], [String], lists of [Message], or anything
    ///     that JSON has a form for; nothing but nulls are missing numbers
    /// @throws IllegalStateException if JSON has no form for a value
    static ParquetColumn of(String name, List<?> values) {
        List<?> given = values.stream().filter(Objects::nonNull).toList();
        if (!given.isEmpty() && given.stream().allMatch(Boolean.class::isInstance)) {
            return new Booleans(name, mapped(values, Boolean.class::cast));
        }
        if (!given.isEmpty() && given.stream().allMatch(Long.class::isInstance)) {
            return new Longs(name, mapped(values, Long.class::cast));
        }
        if (given.stream().allMatch(v -> v instanceof Long || v instanceof Double)) {
            return new Doubles(name, mapped(values, v -> ((Number) v).doubleValue()));
        }
        if (given.stream().allMatch(ParquetColumn::isConversation)
                && given.stream().anyMatch(v -> !((List<?>) v).isEmpty())) {
            return new Conversations(
                    name,
                    mapped(values, v -> ((List<?>) v).stream().map(Message.class::cast).toList()));
        }
        return new Texts(
                name, mapped(values, v -> v instanceof String text ? text : Json.compact(v)));
    }

    private static boolean isConversation(Object value) {
        return value instanceof List<?> list && list.stream().allMatch(Message.class::isInstance);
    }

    private static <T> List<T> mapped(List<?> values, Function<Object, T> value) {
        List<T> mapped = new ArrayList<>();
        values.forEach(v -> mapped.add(v == null ? null : value.apply(v)));
        return mapped;
    }

    private static <T> List<T> copy(List<T> values) {
        return Collections.unmodifiableList(new ArrayList<>(values)); // List.copyOf refuses null
    }
}
