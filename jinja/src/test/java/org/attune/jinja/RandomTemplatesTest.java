package org.attune.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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

    /// Templates that `bench/interop/text` has just made. Of these programs, most of which make no
    /// sense, one in two hundred may fail at another place or with other words, and one in ten
    /// thousand may write another text, as of a generator's address.
    @Test
    @Tag("interop")
    void textsOfOthersAreJinjas() throws IOException {
        Path file = Path.of(System.getProperty("attune.fixtures", "."), "jinja.jsonl");
        assumeTrue(Files.exists(file), () -> "skipped: " + file + " is absent");
        List<String> lines = Files.readAllLines(file);
        List<Difference> different = different(lines);
        int count = lines.size() - 1;
        System.out.printf(
                "interop/RandomTemplatesTest: %d cases, %d passed%n",
                count, count - different.size());
        List<Difference> texts = different.stream().filter(Difference::areTexts).toList();
        assertTrue(texts.size() <= count / 10_000, texts::toString);
        assertTrue(different.size() <= count / 200, different::toString);
    }

    /// What Attune and Jinja make of a template.
    ///
    /// @param areTexts whether both rendered it
    private record Difference(String template, String actual, String jinja, boolean areTexts) {
        @Override
        public String toString() {
            return template + "\n    gives " + actual + "\n    Jinja " + jinja;
        }
    }

    /// What differs, of lines of which the first has the variables.
    private List<Difference> different(List<String> lines) throws IOException {
        Map<String, ?> variables = variables(lines.getFirst());
        var different = new ArrayList<Difference>();
        for (String line : lines.subList(1, lines.size())) {
            Map<?, ?> recorded = mapper.readValue(line, Map.class);
            String template = (String) recorded.get("template");
            boolean renders = recorded.get("text") instanceof String;
            String expected;
            String actual;
            boolean rendered = true;
            try {
                actual =
                        JinjaTemplate.compile(template).render(variables, Clock.systemUTC()).text();
                expected = renders ? (String) recorded.get("text") : "an error";
            } catch (JinjaException e) {
                rendered = false;
                boolean worded = !"".equals(recorded.get("error"));
                boolean placed = recorded.containsKey("line");
                actual = (worded ? e.problem() : "") + (placed ? ", line " + e.line() : "");
                expected = recorded.get("error") + (placed ? ", line " + recorded.get("line") : "");
            }
            if (!actual.equals(expected) && !PARTLY_CONSTANT.contains(template)) {
                different.add(new Difference(template, actual, expected, renders && rendered));
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
