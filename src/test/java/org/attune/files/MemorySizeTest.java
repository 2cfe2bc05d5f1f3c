package org.attune.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemorySizeTest {
    @ParameterizedTest
    @CsvSource({
        "8GiB, 8589934592",
        "8GB, 8000000000",
        "6.5 gib, 6979321856",
        "900MiB, 943718400",
        "12345, 12345",
        "1b, 1"
    })
    void unitsAreThoseThatPeopleWrite(String text, long bytes) {
        assertEquals(bytes, MemorySize.parse(text).bytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GiB", "-1GiB", "8 giraffes", "0", "0.1b", "1e9", "99999999999TiB"})
    void whatIsNoSizeIsRefused(String text) {
        var refused =
                assertThrows(IllegalArgumentException.class, () -> MemorySize.parse(text), text);
        assertEquals(MemorySize.ACCEPTED, refused.getMessage());
    }

    @Test
    void theSpellingStays() {
        assertEquals("6.5GiB", MemorySize.parse(" 6.5GiB ").toString());
    }
}
