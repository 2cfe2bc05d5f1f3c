package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.jinja.JinjaException;
import org.attune.jinja.JinjaTemplate;
import org.attune.testing.CaseReport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.util.Map;

/// Jinja in small: what Python's Jinja gives for one construct each.
@Tag("fixtures-text")
class JinjaFixturesTest {
    private final Clock clock = TextFixtures.clock();

    @Test
    void rendersAsJinja() {
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (Map<String, Object> row : TextFixtures.rows("text/jinja.jsonl")) {
                report.run(row.get("id") + " " + row.get("template"), () -> check(row));
            }
        }
    }

    private void check(Map<String, Object> row) {
        if (!row.containsKey("error")) {
            assertEquals(row.get("expected"), render(row));
            return;
        }
        Map<String, Object> error = TextFixtures.map(row.get("error"));
        JinjaException e = assertThrows(JinjaException.class, () -> render(row));
        if (Boolean.TRUE.equals(error.get("exact"))) {
            assertEquals(error.get("message"), e.problem());
        }
        if (error.get("line") != null) {
            assertEquals(error.get("line"), (long) e.line());
        }
        assertTrue(e.line() > 0, "the message has no line: " + e.getMessage());
    }

    private String render(Map<String, Object> row) {
        return JinjaTemplate.compile((String) row.get("template"))
                .render(TextFixtures.map(row.get("variables")), clock)
                .text();
    }
}
