package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.testing.CaseReport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Map;

/// Lines that Python's `json` refuses: refused here too, at the same column.
@Tag("fixtures-text")
class JsonFixturesTest {
    @Test
    void refusesWhatPythonRefuses() {
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (Map<String, Object> row :
                    TextFixtures.rows("text/formats/malformed/expected.jsonl")) {
                String file = (String) row.get("file");
                if (file.endsWith(".jsonl")
                        && row.get("python") != null
                        && row.get("column") != null) {
                    report.run(file, () -> check(file, row));
                }
            }
        }
    }

    private static void check(String file, Map<String, Object> row) {
        String[] lines = TextFixtures.text("text/formats/malformed/" + file).split("\n", -1);
        String line = lines[((Long) row.get("line")).intValue() - 1];
        var e = assertThrows(JsonException.class, () -> Json.parse(line));
        assertEquals(row.get("column"), (long) e.column(), e.getMessage());
    }
}
