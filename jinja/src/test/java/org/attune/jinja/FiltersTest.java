package org.attune.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Filters on none, on missing values and on values of the wrong type do what Jinja's do: recorded
/// by `src/test/python/jinja_filters.py`.
class FiltersTest {
    @Test
    void filtersDoWhatJinjasDo() throws IOException {
        List<String> lines;
        try (InputStream in = FiltersTest.class.getResourceAsStream("filters.jsonl")) {
            lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
        assertTrue(lines.size() > 1500, "too few cases: " + lines.size());
        var mapper = JsonMapper.builder().build();
        var different = new ArrayList<String>();
        for (String line : lines) {
            Map<?, ?> recorded = mapper.readValue(line, Map.class);
            String template = (String) recorded.get("template");
            String expected = recorded.get("text") instanceof String text ? text : "an error";
            String actual = rendered(template);
            if (!actual.equals(expected)) {
                different.add(template + "\n    gives " + actual + "\n    Jinja " + expected);
            }
        }
        assertEquals(List.of(), different);
    }

    private static String rendered(String template) {
        try {
            return JinjaTemplate.compile(template).render(Map.of(), Clock.systemUTC()).text();
        } catch (JinjaException e) {
            return "an error";
        }
    }
}
