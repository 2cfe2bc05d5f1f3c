package org.attune.datasets.parquet;

import com.fasterxml.jackson.core.JsonProcessingException;

import org.attune.datasets.parquet.LeafColumn.Cell;
import org.attune.json.Json;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.List;

/// A column's nodes in the schema and its leaves. Every value may be missing.
///
/// @param schema `SchemaElement`s, depth first
/// @param leaves in the schema's order
record ColumnLayout(List<ThriftStruct> schema, List<LeafColumn> leaves) {

    private static final int OPTIONAL = 1;
    private static final int REPEATED = 2;
    private static final int CONVERTED_UTF8 = 0;
    private static final int CONVERTED_LIST = 3;
    private static final int LOGICAL_STRING = 1;
    private static final int LOGICAL_LIST = 3;

    static ColumnLayout of(ParquetColumn column) {
        return switch (column) {
            case ParquetColumn.Doubles c -> flat(c, LeafColumn.DOUBLE);
            case ParquetColumn.Longs c -> flat(c, LeafColumn.INT64);
            case ParquetColumn.Booleans c -> flat(c, LeafColumn.BOOLEAN);
            case ParquetColumn.Texts c -> flat(c, LeafColumn.BYTE_ARRAY);
            case ParquetColumn.Conversations c -> nested(c);
        };
    }

    private static ColumnLayout flat(ParquetColumn column, int type) {
        List<Cell> cells = new ArrayList<>();
        for (Object value : column.values()) {
            cells.add(new Cell(0, value == null ? 0 : 1, value));
        }
        ThriftStruct node =
                type == LeafColumn.BYTE_ARRAY
                        ? text(column.name())
                        : new ThriftStruct().i32(1, type).i32(3, OPTIONAL).text(4, column.name());
        return new ColumnLayout(
                List.of(node), List.of(new LeafColumn(List.of(column.name()), type, 0, 1, cells)));
    }

    private static ThriftStruct text(String name) {
        return new ThriftStruct()
                .i32(1, LeafColumn.BYTE_ARRAY)
                .i32(3, OPTIONAL)
                .text(4, name)
                .i32(6, CONVERTED_UTF8)
                .struct(10, new ThriftStruct().struct(LOGICAL_STRING, new ThriftStruct()));
    }

    /// `optional group NAME (LIST) { repeated group list { optional group element { … } } }`, the
    /// form that the format asks lists to have.
    private static ColumnLayout nested(ParquetColumn.Conversations column) {
        List<String> fields = List.copyOf(column.fields());
        List<ThriftStruct> schema = new ArrayList<>();
        schema.add(
                group(OPTIONAL, column.name(), 1)
                        .i32(6, CONVERTED_LIST)
                        .struct(10, new ThriftStruct().struct(LOGICAL_LIST, new ThriftStruct())));
        schema.add(group(REPEATED, "list", 1));
        schema.add(group(OPTIONAL, "element", fields.size()));
        List<LeafColumn> leaves = new ArrayList<>();
        for (String field : fields) {
            schema.add(text(field));
            leaves.add(
                    new LeafColumn(
                            List.of(column.name(), "list", "element", field),
                            LeafColumn.BYTE_ARRAY,
                            1,
                            4,
                            cells(column.values(), field)));
        }
        return new ColumnLayout(schema, leaves);
    }

    private static ThriftStruct group(int repetition, String name, int children) {
        return new ThriftStruct().i32(3, repetition).text(4, name).i32(5, children);
    }

    /// Definition 0: no conversation, 1: an empty one, 3: a message without the field, 4: a value.
    private static List<Cell> cells(List<List<Message>> conversations, String field) {
        List<Cell> cells = new ArrayList<>();
        for (List<Message> conversation : conversations) {
            if (conversation == null || conversation.isEmpty()) {
                cells.add(new Cell(0, conversation == null ? 0 : 1, null));
                continue;
            }
            for (int i = 0; i < conversation.size(); i++) {
                Object value = conversation.get(i).fields().get(field);
                cells.add(new Cell(i == 0 ? 0 : 1, value == null ? 3 : 4, asText(value)));
            }
        }
        return cells;
    }

    private static String asText(Object value) {
        if (value == null || value instanceof String) {
            return (String) value;
        }
        try {
            return Json.MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("messages hold JSON values, this isn't one", e);
        }
    }
}
