package org.attune.files.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.TensorValues;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// Every type of GGUF tensor against ggml's own values, bit for bit.
@Tag("fixtures-engine")
class GgufTypesFixtureTest {
    @Test
    void dequantisesBitForBit() throws IOException {
        Path root = Fixtures.fixture("engine/gguf/types");
        try (var report = new CaseReport("fixtures-engine", getClass());
                Stream<Path> folders = Files.list(root)) {
            for (Path folder : folders.sorted().toList()) {
                String name = folder.getFileName().toString();
                try (GgufFile file = GgufFile.open(folder.resolve("tensors.gguf"))) {
                    GgufType type = file.type(file.entries().keySet().iterator().next());
                    if (type.isSupported()) {
                        report.run(name, () -> compare(file, folder));
                    } else {
                        assertUnsupportedIsNamed(file, type);
                        report.unsupported(name);
                    }
                }
            }
        }
    }

    private static void compare(GgufFile file, Path folder) {
        try (var expected = SafeTensorsFile.open(folder.resolve("expected.safetensors"))) {
            assertEquals(expected.entries().keySet(), file.entries().keySet());
            for (String tensor : expected.entries().keySet()) {
                assertArrayEquals(
                        expected.entries().get(tensor).shape(),
                        file.entries().get(tensor).shape(),
                        tensor);
                assertArrayEquals(
                        TensorValues.bits(expected, tensor),
                        TensorValues.bits(file, tensor),
                        tensor);
                assertEquals(
                        file.type(tensor).isQuantised(), TensorValues.assertRounded(file, tensor));
            }
        }
    }

    private static void assertUnsupportedIsNamed(GgufFile file, GgufType type) {
        String tensor = file.entries().keySet().iterator().next();
        var error = assertThrows(ModelException.class, () -> TensorValues.floats(file, tensor));
        assertEquals(true, error.getMessage().contains("type " + type), error.getMessage());
    }
}
