package org.attune.cli.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class TypedPathTest {
    private static final Path HOME = Path.of(System.getProperty("user.home"));

    @TempDir Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            textBlock =
                    """
                    a b.png         | a b.png
                    'a b.png'       | a b.png
                    "a b.png"       | a b.png
                    a\\ b.png       | a b.png
                    "a'b.png"       | a'b.png
                    'a\\b".png'     | a\\b".png
                    "a\\"\\b.png"   | a"\\b.png
                    x/'a b'/"c".png | x/a b/c.png
                    '~/a.png'       | ~/a.png
                    """)
    void aShellsSignsAreRead(String typed, String name) {
        assertEquals(Path.of(name), TypedPath.of("/image", typed));
    }

    @Test
    void aTildeIsTheUsersFolder() {
        assertEquals(HOME.resolve("a b.png"), TypedPath.of("/image", "~/'a b.png'"));
        assertEquals(HOME, TypedPath.of("/image", "~"));
        assertTrue(refused("~ann/a.png").contains("~ stands for your own folder alone"));
    }

    @Test
    void anOpenQuoteIsSaidUnlessItIsAName() throws IOException {
        Path named = folder.resolve("ann's.png");
        assertTrue(refused(named.toString()).endsWith("is no path: the quote ' isn't closed"));
        Files.createFile(named);
        assertEquals(named, TypedPath.of("/image", named.toString()));
    }

    @Test
    void backslashesOfWindowsStay() {
        assertEquals(
                Path.of("C:\\a b\\c.png"),
                new TypedPath("/image", "\"C:\\a b\\c.png\"", false).path());
    }

    private static String refused(String typed) {
        return assertThrows(ConfigException.class, () -> TypedPath.of("/image", typed))
                .getMessage();
    }
}
