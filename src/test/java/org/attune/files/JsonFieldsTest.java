package org.attune.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ModelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

class JsonFieldsTest {
    @TempDir Path folder;

    @Test
    void bytesThatAreNoUtf8AreRefusedWithTheirLine() throws IOException {
        Path file = folder.resolve("config.json");
        Files.write(
                file, "{\"a\": 1,\n\"name\": \"café\"}\n".getBytes(StandardCharsets.ISO_8859_1));
        var error = assertThrows(ModelException.class, () -> JsonFields.read(file));
        assertEquals(
                file + " can't be read: it is not UTF-8 text (byte 0xe9 in line 2)",
                error.getMessage());
        Files.writeString(file, "{\"name\": \"caf\uFFFD é\"}");
        assertEquals("caf\uFFFD é", JsonFields.read(file).toNode().get("name").asText());
    }
}
