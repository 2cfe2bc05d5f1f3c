package org.attune.reward.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.json.Json;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/// Compares built-in rewards with what Python's gives for the same completions.
@Tag("fixtures-text")
class RewardFixturesTest {
    @Test
    void equalRecordedValues() throws IOException {
        try (var report = new CaseReport("fixtures-text", getClass());
                Stream<Path> files = Files.list(Fixtures.fixture("text/rewards"))) {
            for (Path file : files.sorted().toList()) {
                switch (file.getFileName().toString()) {
                    case "gsm8k.jsonl" -> gsm8k(file, report);
                    case "trl.jsonl" -> trl(file, report);
                    case String other -> report.unsupported(other);
                }
            }
        }
    }

    private static void gsm8k(Path file, CaseReport report) throws IOException {
        for (Map<String, Object> row : rows(file)) {
            String text = (String) row.get("text");
            report.run(
                    "gsm8k " + text,
                    () -> {
                        assertEquals(
                                Optional.ofNullable(row.get("strict")),
                                NumberText.gsm8kAnswer(text).map(Object.class::cast));
                        assertEquals(
                                Optional.ofNullable(row.get("last_number")),
                                NumberText.last(text).map(Object.class::cast));
                    });
        }
    }

    private static void trl(Path file, CaseReport report) throws IOException {
        for (Map<String, Object> row : rows(file)) {
            String name = (String) row.get("reward");
            Map<String, Object> parameters = map(row.get("args"));
            if (!BuiltinRewards.names().contains(name)
                    && !BuiltinRewards.names().contains("get_" + name)) {
                report.unsupported(name);
                continue;
            }
            report.run(name + " " + parameters, () -> compare(row, name, parameters));
        }
    }

    private static void compare(
            Map<String, Object> row, String name, Map<String, Object> parameters) {
        RewardFunction reward = BuiltinRewards.create(name, parameters);
        List<?> expected = list(row.get("expected"));
        List<OptionalDouble> got = reward.score(batch(row, expected.size()));
        assertEquals(expected.size(), got.size());
        var wrong = new ArrayList<String>();
        for (int i = 0; i < expected.size(); i++) {
            Object want = expected.get(i);
            OptionalDouble value = got.get(i);
            boolean equal =
                    want == null
                            ? value.isEmpty()
                            : value.isPresent()
                                    && Math.abs(value.getAsDouble() - ((Number) want).doubleValue())
                                            <= 1e-12;
            if (!equal) {
                wrong.add("%d: expected %s, got %s".formatted(i, want, value));
            }
        }
        assertEquals(List.of(), wrong);
    }

    private static RewardBatch batch(Map<String, Object> row, int size) {
        List<?> texts = list(row.get("completions"));
        List<?> ids = list(row.get("completion_ids"));
        List<?> lengths = list(row.get("completion_lengths"));
        var prompts = new ArrayList<Prompt>();
        var completions = new ArrayList<Completion>();
        for (int i = 0; i < size; i++) {
            int[] tokens =
                    ids != null
                            ? list(ids.get(i)).stream()
                                    .mapToInt(id -> ((Number) id).intValue())
                                    .toArray()
                            : new int[lengths == null ? 0 : ((Number) lengths.get(i)).intValue()];
            prompts.add(new Prompt("", List.of()));
            completions.add(
                    new Completion(texts == null ? "" : (String) texts.get(i), tokens, List.of()));
        }
        var columns = new HashMap<String, List<Object>>();
        if (row.get("solution") != null) {
            columns.put("solution", new ArrayList<>(list(row.get("solution"))));
        }
        return new RewardBatch(prompts, completions, columns);
    }

    private static List<Map<String, Object>> rows(Path file) throws IOException {
        var rows = new ArrayList<Map<String, Object>>();
        for (String line : Files.readString(file).split("\n")) {
            rows.add(map(Json.parse(line)));
        }
        return rows;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    private static List<?> list(Object value) {
        return (List<?>) value;
    }
}
