package org.attune.files.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.files.JsonFields;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.TensorValues;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// Metadata of every type and plain tensors, in both byte orders.
@Tag("fixtures-engine")
class GgufMetadataFixtureTest {
    @Test
    void readsEveryTypeInBothByteOrders() throws IOException {
        Path folder = Fixtures.fixture("engine/gguf/metadata");
        JsonNode expected = JsonFields.read(folder.resolve("expected.json")).toNode();
        try (var report = new CaseReport("fixtures-engine", getClass());
                Stream<Path> files = Files.list(folder)) {
            for (Path path : files.filter(f -> f.toString().endsWith(".gguf")).sorted().toList()) {
                report.run(path.getFileName().toString(), () -> compare(path, expected));
            }
        }
    }

    private static void compare(Path path, JsonNode expected) {
        try (GgufFile file = GgufFile.open(path);
                var values = SafeTensorsFile.open(path.resolveSibling("expected.safetensors"))) {
            assertEquals(expected.get("version").intValue(), file.version());
            expected.get("metadata")
                    .properties()
                    .forEach(
                            pair ->
                                    assertEquals(
                                            plain(
                                                    pair.getValue().get("value"),
                                                    file.metadata().values().get(pair.getKey())),
                                            file.metadata().values().get(pair.getKey()),
                                            pair.getKey()));
            assertEquals(values.entries().keySet(), file.entries().keySet());
            expected.get("tensors")
                    .properties()
                    .forEach(t -> compareTensor(file, values, t.getKey(), t.getValue()));
        }
    }

    private static void compareTensor(
            GgufFile file, SafeTensorsFile values, String name, JsonNode expected) {
        assertEquals(expected.get("type").textValue(), file.type(name).name(), name);
        assertEquals(expected.get("data_offset").longValue(), file.position(name), name);
        long[] shape = file.entries().get(name).shape();
        assertEquals(expected.get("shape_row_major").toString(), toJson(shape), name);
        if (file.entries().get(name).dtype().isFloat()) {
            assertArrayEquals(TensorValues.bits(values, name), TensorValues.bits(file, name), name);
        } else {
            assertArrayEquals(
                    TensorValues.integers(values, name), TensorValues.integers(file, name), name);
        }
    }

    private static String toJson(long[] shape) {
        return Arrays.toString(shape).replace(" ", "");
    }

    /// The JSON value in the Java type that the reader gives.
    private static Object plain(JsonNode json, Object like) {
        return switch (like) {
            case Boolean _ -> json.booleanValue();
            case Float _ -> (float) json.doubleValue();
            case Double _ -> json.doubleValue();
            case Long _ -> json.longValue();
            case BigInteger _ -> json.bigIntegerValue();
            case List<?> list -> {
                var result = new ArrayList<Object>();
                for (int i = 0; i < json.size(); i++) {
                    result.add(plain(json.get(i), list.get(i)));
                }
                yield result;
            }
            case null, default -> json.textValue();
        };
    }
}
