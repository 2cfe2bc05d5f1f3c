package org.attune.datasets.formats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.images.Picture;
import org.attune.json.Json;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Pictures in messages as TRL's `prepare_multimodal_messages` puts them.
@Tag("fixtures-trl")
final class TrlPicturesTest {
    @Test
    void picturesStandWhereTrlPutsThem() throws IOException {
        JsonNode recorded =
                Json.MAPPER.readTree(
                        Files.readString(Fixtures.fixture("vision/text/trl-messages.json")));
        int compared = 0;
        int otherwise = 0;
        for (JsonNode row : recorded.path("cases")) {
            String text = row.path("messages").toString();
            if (text.contains("<image>") || text.contains("\"function\"")) {
                otherwise++; // a place here; and roles are checked elsewhere
                continue;
            }
            Row given = row(row);
            if (row.has("error")) {
                assertThrows(
                        DatasetException.class, () -> PictureColumns.placed(given, "messages"));
            } else {
                assertEquals(
                        plain(Json.MAPPER.convertValue(row.path("result"), Object.class)),
                        plain(PictureColumns.placed(given, "messages").get("messages")),
                        text);
            }
            compared++;
        }
        assertEquals(15, compared);
        assertEquals(2, otherwise);
    }

    private static Row row(JsonNode given) {
        Map<String, Object> columns = new LinkedHashMap<>();
        List<Object> images = new ArrayList<>();
        for (int i = 0; i < given.path("images").intValue(); i++) {
            images.add(("IMAGE" + i).getBytes(StandardCharsets.UTF_8));
        }
        columns.put("images", images);
        columns.put(
                "messages", own(Json.MAPPER.convertValue(given.path("messages"), Object.class)));
        return new Row(columns, new RowOrigin("rows.jsonl", 1, 0));
    }

    /// With bytes in place of a part's own picture.
    private static Object own(Object value) {
        return switch (value) {
            case List<?> list -> list.stream().map(TrlPicturesTest::own).toList();
            case Map<?, ?> map -> {
                Map<Object, Object> copy = new LinkedHashMap<>();
                map.forEach((key, field) -> copy.put(key, own(field)));
                yield copy;
            }
            case String text when text.equals("OWN") -> text.getBytes(StandardCharsets.UTF_8);
            case null, default -> value;
        };
    }

    /// Texts of contents as parts, pictures as their names.
    private static Object plain(Object messages) {
        List<Object> plain = new ArrayList<>();
        for (Object message : (List<?>) messages) {
            Map<Object, Object> fields = new LinkedHashMap<>((Map<?, ?>) message);
            if (fields.get("content") instanceof String text) {
                fields.put("content", List.of(Map.of("type", "text", "text", text)));
            } else if (fields.get("content") instanceof List<?> parts) {
                fields.put("content", parts.stream().map(TrlPicturesTest::named).toList());
            }
            plain.add(fields);
        }
        return plain;
    }

    private static Object named(Object part) {
        Map<Object, Object> fields = new LinkedHashMap<>((Map<?, ?>) part);
        Object image = fields.get("image");
        for (String name : List.of("IMAGE0", "IMAGE1", "OWN")) {
            if (Picture.of(name, name.getBytes(StandardCharsets.UTF_8)).equals(image)) {
                fields.put("image", name);
            }
        }
        return fields;
    }
}
