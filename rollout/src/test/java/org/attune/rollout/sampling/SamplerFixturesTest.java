package org.attune.rollout.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Set;
import java.util.stream.StreamSupport;

/// Probabilities after penalties and filters against transformers'.
@Tag("fixtures-engine")
final class SamplerFixturesTest {
    private static final Set<String> SETTINGS =
            Set.of(
                    "temperature",
                    "top_k",
                    "top_p",
                    "min_p",
                    "typical_p",
                    "repetition_penalty",
                    "presence_penalty",
                    "frequency_penalty");

    @Test
    void everyCase() {
        JsonNode cases = Recorded.json(Fixtures.fixture("engine/sampling/sampling.json"));
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (JsonNode c : cases) {
                String name = c.get("name").asText();
                boolean known =
                        c.get("settings").properties().stream()
                                .allMatch(setting -> SETTINGS.contains(setting.getKey()));
                if (known) {
                    report.run(name, () -> check(c));
                } else {
                    report.unsupported(name);
                }
            }
        }
    }

    private static void check(JsonNode c) {
        float[] logits = floats(c.get("logits"));
        var sampler = new Sampler(distribution(c.get("settings")));
        Sampler.Candidates candidates =
                sampler.candidates(logits, ints(c.get("prompt")), ints(c.get("generated")));
        assertArrayEquals(ints(c.get("kept")), candidates.ids());
        double[] all = new double[logits.length];
        for (int i = 0; i < candidates.ids().length; i++) {
            all[candidates.ids()[i]] = candidates.probabilities()[i];
        }
        for (int id = 0; id < all.length; id++) {
            assertEquals(c.get("probabilities").get(id).asDouble(), all[id], 1e-5, "token " + id);
        }
    }

    private static Distribution distribution(JsonNode settings) {
        return new Distribution(
                settings.path("repetition_penalty").asDouble(1),
                settings.path("presence_penalty").asDouble(0),
                settings.path("frequency_penalty").asDouble(0),
                settings.path("temperature").asDouble(1),
                settings.path("top_k").asInt(0),
                settings.path("top_p").asDouble(1),
                settings.path("min_p").asDouble(0),
                settings.path("typical_p").asDouble(1));
    }

    private static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            JsonNode value = array.get(i);
            values[i] =
                    value.isTextual() ? Float.parseFloat(value.asText()) : (float) value.asDouble();
        }
        return values;
    }

    private static int[] ints(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
    }
}
