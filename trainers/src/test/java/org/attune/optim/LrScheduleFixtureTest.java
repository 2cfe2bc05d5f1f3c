package org.attune.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.optim.LrSchedule.Span;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

@Tag("fixtures-engine")
class LrScheduleFixtureTest {
    @Test
    void ratesAreThoseOfTransformers() throws IOException {
        JsonNode cases =
                new ObjectMapper()
                        .readTree(Fixtures.fixture("engine/optim/schedules.json").toFile());
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (JsonNode c : cases) {
                String name = c.get("name").asText();
                String label = name + c.get("settings") + "w" + c.get("warmup_steps").asInt();
                if (LrScheduleOptions.TYPES.contains(name)) {
                    report.run(label, () -> compare(c));
                } else {
                    report.unsupported(label);
                }
            }
        }
    }

    private static void compare(JsonNode c) {
        double rate = c.get("learning_rate").asDouble();
        var span = new Span(c.get("warmup_steps").asInt(), c.get("training_steps").asInt());
        Map<String, Object> settings = new HashMap<>();
        c.get("settings")
                .forEachEntry(
                        (key, value) ->
                                settings.put(
                                        key,
                                        value.isNumber() ? value.numberValue() : value.asText()));
        LrSchedule schedule =
                new LrScheduleOptions(c.get("name").asText(), settings, rate, span).schedule();
        JsonNode series = c.get("series");
        for (int step = 0; step < series.size(); step++) {
            assertEquals(
                    series.get(step).asDouble(),
                    rate * schedule.factor(step),
                    1e-12 * rate,
                    "step " + step);
        }
    }
}
