package org.attune.cli.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class PatternsTest {
    @TempDir Path folder;

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("patterns.txt"), text);
    }

    @Test
    void whatPatternsFindIsReplaced() throws IOException {
        Patterns patterns =
                Patterns.read(
                        file(
                                """
                                # addresses

                                [\\w.]+@[\\w.]+\\w
                                \\d{4} ?\\d{4} => $1 a number
                                """));
        assertEquals(
                "write to [redacted], or call $1 a number or $1 a number",
                patterns.apply("write to ann.b@example.org, or call 1234 5678 or 12345678"));
    }

    @Test
    void whatIsNoPatternIsNamedWithItsLine() throws IOException {
        Path file = file("ok\n(open\n");
        var e = assertThrows(ConfigException.class, () -> Patterns.read(file));
        assertTrue(e.getMessage().contains(file + ":2"), e::getMessage);
        assertThrows(ConfigException.class, () -> Patterns.read(file("# nothing\n")));
        assertThrows(ConfigException.class, () -> Patterns.read(folder.resolve("none")));
    }
}
