package org.attune.datasets.formats;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.datasets.rows.JsonValues;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// `extract_prompt`, `unpair_preference_dataset`, `maybe_convert_to_chatml` and
/// `is_conversational`.
class TrlConversionsFixturesTest {
    @Test
    @Tag("fixtures-trl")
    void convertsAsTrlDoes() throws Exception {
        Path file = Fixtures.fixture("trl/data/conversions.json");
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            int number = 0;
            for (Object entry : list(JsonValues.parse(Files.readString(file), "conversions"))) {
                Map<String, Object> fixture = map(entry);
                String function = (String) fixture.get("function");
                report.run(
                        function + "[" + number++ + "]",
                        () ->
                                assertEquals(
                                        fixture.get("output"),
                                        convert(function, fixture.get("input"))));
            }
        }
    }

    @Test
    @Tag("fixtures-text")
    void knowsTrlsTypes() throws Exception {
        Path dir = Fixtures.fixture("text/formats/trl");
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (String line : Files.readString(dir.resolve("expected.jsonl")).split("\n")) {
                Map<String, Object> fixture = map(JsonValues.parse(line, "expected.jsonl"));
                report.run((String) fixture.get("type"), () -> check(fixture));
            }
            for (String line : Files.readString(dir.resolve("unpair.jsonl")).split("\n")) {
                Map<String, Object> fixture = map(JsonValues.parse(line, "unpair.jsonl"));
                report.run(
                        "unpair",
                        () ->
                                assertEquals(
                                        fixture.get("expected"),
                                        convert(
                                                "unpair_preference_dataset",
                                                fixture.get("input"))));
            }
        }
    }

    private static void check(Map<String, Object> fixture) {
        Map<String, Object> input = map(fixture.get("input"));
        assertEquals(fixture.get("is_conversational"), Conversions.isConversational(input));
        assertEquals(fixture.get("to_chatml"), Conversions.toChatml(input));
        if (fixture.containsKey("extract_prompt")) {
            assertEquals(fixture.get("extract_prompt"), Conversions.extractPrompt(input));
        }
    }

    private static Object convert(String function, Object input) {
        return switch (function) {
            case "extract_prompt" -> Conversions.extractPrompt(map(input));
            case "maybe_convert_to_chatml" -> Conversions.toChatml(map(input));
            case "unpair_preference_dataset" ->
                    Conversions.unpair(list(input).stream().map(row -> map(row)).toList());
            default -> throw new AssertionError("unknown function " + function);
        };
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked")
    private static List<Object> list(Object value) {
        return (List<Object>) value;
    }
}
