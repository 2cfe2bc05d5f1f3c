package org.attune.datasets.formats;

import org.attune.datasets.rows.JsonValues;
import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Pairs in LLaMA-Factory's newer layout: `chosen_messages` and `rejected_messages`, whose
/// content is a list of typed parts `{"type": "text", "value": …}` and whose `loss_weight` says
/// what is learnt.
public final class TypedMessages {
    private static final Map<String, String> COLUMNS =
            Map.of("chosen_messages", "chosen", "rejected_messages", "rejected");

    private TypedMessages() {}

    /// The columns that are read.
    public static Set<String> columns() {
        return COLUMNS.keySet();
    }

    /// Whether rows with these columns have the layout.
    public static boolean fits(Collection<String> columns) {
        return columns.containsAll(COLUMNS.keySet());
    }

    /// The row with TRL's columns `chosen` and `rejected`.
    ///
    /// @throws DatasetException if a part isn't text, or a weight asks for something that
    ///     preference training doesn't do: it learns from what differs, which must be the
    ///     assistant's
    public static Row convert(Row row) {
        var columns = new LinkedHashMap<String, Object>();
        row.columns()
                .forEach(
                        (column, value) ->
                                columns.put(
                                        COLUMNS.getOrDefault(column, column),
                                        COLUMNS.containsKey(column)
                                                ? messages(row.origin().where(), column, value)
                                                : value));
        return row.with(columns);
    }

    private static List<Object> messages(String where, String column, Object value) {
        if (!(value instanceof List<?> list)) {
            throw fault(
                    where, column, "is %s, a list is accepted".formatted(JsonValues.kind(value)));
        }
        var messages = new ArrayList<Object>(list.size());
        for (int i = 0; i < list.size(); i++) {
            String at = "message %d ".formatted(i + 1);
            if (!(list.get(i) instanceof Map<?, ?> message)) {
                throw fault(where, column, at + "is no object");
            }
            double weight = message.get("loss_weight") instanceof Number n ? n.doubleValue() : 0;
            boolean last = i == list.size() - 1;
            if (message.containsKey("loss_weight") && weight != (last ? 1 : 0)) {
                throw fault(
                        where,
                        column,
                        at
                                + "has the loss_weight %s; %s is accepted"
                                        .formatted(weight, last ? 1 : 0));
            }
            var fields = new LinkedHashMap<String, Object>();
            message.forEach((key, field) -> fields.put(key.toString(), field));
            fields.put("content", text(where, column, at, message.get("content")));
            messages.add(fields);
        }
        return messages;
    }

    private static String text(String where, String column, String at, Object content) {
        if (content instanceof String text) {
            return text;
        }
        var text = new StringBuilder();
        for (Object part : content instanceof List<?> parts ? parts : List.of(Map.of())) {
            if (!(part instanceof Map<?, ?> map)
                    || !"text".equals(map.get("type"))
                    || !(map.get("value") instanceof String value)) {
                throw fault(
                        where,
                        column,
                        at
                                + "has a part that is no text; {\"type\": \"text\", \"value\": …}"
                                + " is accepted");
            }
            text.append(value);
        }
        return text.toString();
    }

    private static DatasetException fault(String where, String column, String what) {
        return new DatasetException(where + ": column " + column + ": " + what);
    }
}
