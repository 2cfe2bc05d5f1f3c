package org.attune.reward.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.json.Json;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// Compares `bleu`, `chrf` and `rouge` with what sacrebleu and rouge-score gave;
/// `reward/src/test/recorded/make_overlap.py` drew the texts.
class RecordedOverlapTest {
    private static final Map<String, Map<String, Object>> REWARDS =
            Map.of(
                    "bleu", Map.of(),
                    "chrf", Map.of(),
                    "rouge1", Map.of("type", "rouge1"),
                    "rouge2", Map.of("type", "rouge2"),
                    "rougeL", Map.of());

    private static OptionalDouble score(String metric, String text, Object references) {
        String name = metric.startsWith("rouge") ? "rouge" : metric;
        var batch =
                new RewardBatch(
                        List.of(new Prompt("", List.of())),
                        List.of(new Completion(text, new int[] {1}, List.of())),
                        Collections.singletonMap("answer", Collections.singletonList(references)));
        return BuiltinRewards.create(name, REWARDS.get(metric)).score(batch).getFirst();
    }

    @Test
    void agreesOnRandomTexts() throws IOException {
        List<String> wrong = new ArrayList<>();
        int values = 0;
        int between = 0;
        try (var file = getClass().getResourceAsStream("/recorded/overlap.jsonl")) {
            for (String line :
                    new String(file.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                var row = (Map<?, ?>) Json.parse(line);
                for (String metric : REWARDS.keySet()) {
                    double expected = ((Number) row.get(metric)).doubleValue();
                    double got =
                            score(metric, (String) row.get("text"), row.get("references"))
                                    .getAsDouble();
                    if (Math.abs(got - expected) > 1e-9) {
                        wrong.add("%s %s, expected %s: %s".formatted(metric, got, expected, line));
                    }
                    values++;
                    between += expected > 0.01 && expected < 0.99 ? 1 : 0;
                }
            }
        }
        assertEquals(List.of(), wrong);
        assertTrue(values >= 2000 && between >= 1000, values + " values, " + between);
    }

    @Test
    void oneReferenceMayBeATextAndWithoutOneThereIsNoReward() {
        assertEquals(1, score("rougeL", "a b", "A, b!").getAsDouble());
        assertEquals(OptionalDouble.empty(), score("bleu", "a b", null));
    }
}
