package org.attune.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Random templates, many of them broken, give Jinja's text, or fail with Jinja's words at Jinja's
/// line: recorded by `src/test/python/jinja_random.py`.
class RandomTemplatesTest {
    /// A constant part of an expression has a slice that can't be taken. Jinja finds its value
    /// before it renders, where such a slice is undefined; the interpreter does so only if all of
    /// the expression is constant.
    private static final Set<String> PARTLY_CONSTANT =
            Set.of(
                    "{{ {} if ('A,b')[1.5:0:1] | lower else (n | abs())[s::u] }}",
                    "{{- (({})[:-1]).__class__ and n -}}");

    private final JsonMapper mapper =
            JsonMapper.builder()
                    .enable(DeserializationFeature.USE_LONG_FOR_INTS)
                    .enable(DeserializationFeature.USE_BIG_INTEGER_FOR_INTS)
                    .build();

    @Test
    void textsAndErrorsAreJinjas() throws IOException {
        List<String> lines;
        try (InputStream in = RandomTemplatesTest.class.getResourceAsStream("random.jsonl")) {
            lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
        assertTrue(lines.size() > 700, "too few cases: " + lines.size());
        assertEquals(List.of(), different(lines));
    }

    /// What differs, of lines of which the first has the variables.
    List<String> different(List<String> lines) throws IOException {
        Map<String, ?> variables = variables(lines.getFirst());
        var different = new ArrayList<String>();
        for (String line : lines.subList(1, lines.size())) {
            Map<?, ?> recorded = mapper.readValue(line, Map.class);
            String template = (String) recorded.get("template");
            String expected;
            String actual;
            try {
                actual =
                        JinjaTemplate.compile(template).render(variables, Clock.systemUTC()).text();
                expected = recorded.get("text") instanceof String text ? text : "an error";
            } catch (JinjaException e) {
                boolean worded = !"".equals(recorded.get("error"));
                boolean placed = recorded.containsKey("line");
                actual = (worded ? e.problem() : "") + (placed ? ", line " + e.line() : "");
                expected = recorded.get("error") + (placed ? ", line " + recorded.get("line") : "");
            }
            if (!actual.equals(expected) && !PARTLY_CONSTANT.contains(template)) {
                different.add(template + "\n    gives " + actual + "\n    Jinja " + expected);
            }
        }
        return different;
    }

    @SuppressWarnings("unchecked")
    private Map<String, ?> variables(String line) throws IOException {
        return (Map<String, ?>) normal(mapper.readValue(line, Map.class));
    }

    /// Whole numbers as the interpreter has them.
    private static Object normal(Object value) {
        return switch (value) {
            case java.math.BigInteger n -> JinjaNumbers.normal(n);
            case List<?> items -> {
                var all = new ArrayList<Object>();
                items.forEach(item -> all.add(normal(item)));
                yield all;
            }
            case Map<?, ?> map -> {
                var all = new java.util.LinkedHashMap<Object, Object>();
                map.forEach((key, item) -> all.put(key, normal(item)));
                yield all;
            }
            case null, default -> value;
        };
    }
}
