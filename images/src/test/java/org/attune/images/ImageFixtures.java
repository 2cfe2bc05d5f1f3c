package org.attune.images;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;
import org.attune.testing.Fixtures;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// Reads recorded pictures, arrays and outputs.
final class ImageFixtures {
    private ImageFixtures() {}

    static Path folder(String name) {
        return Fixtures.fixture("vision/" + name);
    }

    static Picture picture(String name) throws IOException {
        return Picture.of(name, Files.readAllBytes(folder("images").resolve(name)));
    }

    static JsonNode json(Path file) throws IOException {
        return Json.MAPPER.readTree(Files.readString(file));
    }

    /// Arrays of bytes, height by width by three, by their names.
    static Map<String, Pixels> pixels(Path file) throws IOException {
        ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int length = (int) all.getLong(0);
        JsonNode header =
                Json.MAPPER.readTree(new String(all.array(), 8, length, StandardCharsets.UTF_8));
        Map<String, Pixels> arrays = new LinkedHashMap<>();
        header.properties()
                .forEach(
                        entry -> {
                            JsonNode shape = entry.getValue().path("shape");
                            JsonNode offsets = entry.getValue().path("data_offsets");
                            if (shape.size() != 3 || shape.get(2).intValue() != 3) {
                                return;
                            }
                            byte[] data =
                                    new byte[offsets.get(1).intValue() - offsets.get(0).intValue()];
                            all.get(8 + length + offsets.get(0).intValue(), data);
                            arrays.put(
                                    entry.getKey(),
                                    new Pixels(
                                            shape.get(1).intValue(),
                                            shape.get(0).intValue(),
                                            data));
                        });
        return arrays;
    }

    /// How two pictures differ, or `equal`.
    static String difference(Pixels expected, Pixels actual) {
        if (expected.width() != actual.width() || expected.height() != actual.height()) {
            return "size %d x %d, not %d x %d"
                    .formatted(
                            actual.width(), actual.height(), expected.width(), expected.height());
        }
        int worst = 0;
        int differing = 0;
        for (int i = 0; i < expected.rgb().length; i++) {
            int difference = Math.abs((expected.rgb()[i] & 255) - (actual.rgb()[i] & 255));
            worst = Math.max(worst, difference);
            differing += difference > 0 ? 1 : 0;
        }
        return worst == 0 ? "equal" : "%d values differ, at most by %d".formatted(differing, worst);
    }
}
