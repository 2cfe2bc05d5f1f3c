package org.attune.trainers.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;

import org.attune.datasets.parquet.ParquetColumn;
import org.attune.datasets.parquet.ParquetTable;
import org.attune.json.Json;
import org.attune.reward.RewardBatch;
import org.attune.text.Message;
import org.attune.trainers.loop.CompletionTable;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// A round's completions by column, in TRL's order: `prompt`, `completion`, one for each reward,
/// those that rewards added, `advantage` where the method gives one. Conversations are lists of
/// messages, as in TRL.
///
/// @param columns cells are `String`, `Long`, `Double`, `Boolean`, a list of messages' fields, or
///     null; a number that isn't finite (a reward that was not given) is null
record CompletionColumns(Map<String, List<Object>> columns) {
    private static final TypeReference<LinkedHashMap<String, List<Object>>> COLUMNS =
            new TypeReference<>() {};
    private static final TypeReference<LinkedHashMap<String, Object>> FIELDS =
            new TypeReference<>() {};

    /// @param pictures gives names to those of prompts
    static CompletionColumns of(CompletionTable table, RunPictures pictures) {
        Map<String, List<Object>> columns = new LinkedHashMap<>();
        RewardBatch batch = table.batch();
        boolean chats = batch.prompts().stream().noneMatch(p -> p.messages().isEmpty());
        columns.put(
                "prompt",
                cells(batch.prompts(), p -> chats ? chat(p.messages(), pictures) : p.text()));
        columns.put(
                "completion",
                cells(batch.completions(), c -> chats ? chat(c.messages(), pictures) : c.text()));
        List<String> names = table.rewards().names();
        for (int f = 0; f < names.size(); f++) {
            columns.put(names.get(f), numbers(table.rewards().column(f)));
        }
        table.rewards()
                .extras()
                .forEach((name, values) -> columns.put(name, cells(values, v -> plain(v))));
        table.advantages().ifPresent(values -> columns.put("advantage", numbers(values)));
        return new CompletionColumns(columns);
    }

    /// What [#columns] gave as JSON.
    ///
    /// @throws IllegalArgumentException if it is anything else
    static CompletionColumns ofJson(JsonNode json) {
        if (!json.isObject()) {
            throw new IllegalArgumentException("it holds no columns, but " + json.getNodeType());
        }
        json.properties().forEach(column -> requireArray(column.getKey(), column.getValue()));
        Map<String, List<Object>> columns = Json.MAPPER.convertValue(json, COLUMNS);
        columns.replaceAll((_, cells) -> cells(cells, v -> v instanceof List<?> ? v : plain(v)));
        for (String name : List.of("prompt", "completion")) {
            if (!columns.containsKey(name)) {
                throw new IllegalArgumentException("column \"" + name + "\" is missing");
            }
        }
        var read = new CompletionColumns(columns);
        read.parquet(0); // which needs what it will need
        return read;
    }

    private static void requireArray(String name, JsonNode cells) {
        if (!cells.isArray()) {
            throw new IllegalArgumentException(
                    "column \"%s\" is no list, but %s".formatted(name, cells.getNodeType()));
        }
    }

    private static <T> List<Object> cells(List<T> values, Function<T, Object> cell) {
        List<Object> cells = new ArrayList<>();
        values.forEach(value -> cells.add(cell.apply(value)));
        return Collections.unmodifiableList(cells);
    }

    private static List<Map<String, Object>> chat(List<Message> messages, RunPictures pictures) {
        return messages.stream().map(pictures::fields).toList();
    }

    private static List<Object> numbers(double[] values) {
        List<Object> cells = new ArrayList<>();
        for (double value : values) {
            cells.add(plain(value));
        }
        return Collections.unmodifiableList(cells);
    }

    private static Object plain(Object value) {
        return switch (value) {
            case null -> null;
            case String text -> text;
            case Boolean truth -> truth;
            case Byte n -> n.longValue();
            case Short n -> n.longValue();
            case Integer n -> n.longValue();
            case Long n -> n;
            case Number n -> Double.isFinite(n.doubleValue()) ? (Object) n.doubleValue() : null;
            case Map<?, ?> map -> json(map);
            case List<?> list -> json(list);
            default -> value.toString();
        };
    }

    private static String json(Object value) {
        try {
            return Json.MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            return value.toString(); // a value of the user's own that JSON has no form for
        }
    }

    /// @param step stands in every row, as in TRL
    ParquetTable parquet(int step) {
        List<ParquetColumn> table = new ArrayList<>();
        int rows = columns.get("completion").size();
        table.add(new ParquetColumn.Longs("step", Collections.nCopies(rows, (long) step)));
        columns.forEach((name, cells) -> table.add(ParquetColumn.of(name, typed(cells))));
        return new ParquetTable(table);
    }

    /// Lists of messages' fields become messages.
    private static List<Object> typed(List<Object> cells) {
        return cells(
                cells,
                cell ->
                        cell instanceof List<?> chat
                                ? chat.stream().map(CompletionColumns::message).toList()
                                : cell);
    }

    private static Message message(Object fields) {
        return new Message(Json.MAPPER.convertValue(fields, FIELDS));
    }
}
