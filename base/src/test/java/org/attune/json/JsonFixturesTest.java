package org.attune.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Lines that Python's `json` refuses: refused here too, at the same column.
@Tag("fixtures-text")
class JsonFixturesTest {
    @Test
    void refusesWhatPythonRefuses() throws IOException {
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (String text : lines("expected.jsonl")) {
                Map<?, ?> row = (Map<?, ?>) Json.parse(text);
                String file = (String) row.get("file");
                if (file.endsWith(".jsonl")
                        && row.get("python") != null
                        && row.get("column") != null) {
                    report.run(file, () -> check(file, row));
                }
            }
        }
    }

    private static List<String> lines(String file) throws IOException {
        Path malformed = Fixtures.fixture("text/formats/malformed");
        return List.of(Files.readString(malformed.resolve(file)).split("\n"));
    }

    private static void check(String file, Map<?, ?> row) throws IOException {
        String line = lines(file).get(((Long) row.get("line")).intValue() - 1);
        var e = assertThrows(JsonException.class, () -> Json.parse(line));
        assertEquals(row.get("column"), (long) e.column(), e.getMessage());
    }
}
