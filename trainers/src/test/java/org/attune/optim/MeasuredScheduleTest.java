package org.attune.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;

/// Rates of PyTorch's `ReduceLROnPlateau` and transformers' `GreedyLR` for given metrics, recorded
/// by `make_schedules.py`.
class MeasuredScheduleTest {
    @Test
    void ratesAreThoseOfPyTorchAndTransformers() throws IOException {
        JsonNode recorded;
        try (InputStream file = getClass().getResourceAsStream("/recorded/schedules.json")) {
            recorded = new ObjectMapper().readTree(file);
        }
        int number = 0;
        for (JsonNode run : recorded) {
            compare(number++, run);
        }
        assertEquals(recorded.size(), number);
    }

    private static void compare(int number, JsonNode run) {
        boolean greater = run.get("mode").asText().equals("max");
        MeasuredSchedule schedule = options(run).measured(greater).orElseThrow();
        double rate = run.get("learning_rate").asDouble();
        for (int i = 0; i < run.get("metrics").size(); i++) {
            if (i % 5 == 4) { // it goes on from its state
                double[] state = schedule.state();
                schedule = options(run).measured(greater).orElseThrow();
                schedule.restore(state);
            }
            schedule.measured(run.get("metrics").get(i).asDouble());
            assertEquals(
                    run.get("rates").get(i).asDouble(),
                    schedule.rate(),
                    1e-12 * rate,
                    "run " + number + ", metric " + i);
        }
    }

    private static LrScheduleOptions options(JsonNode run) {
        Map<String, Object> settings = new HashMap<>();
        run.get("settings")
                .forEachEntry(
                        (key, value) ->
                                settings.put(
                                        key,
                                        value.isNumber()
                                                ? value.numberValue()
                                                : value.isBoolean()
                                                        ? value.booleanValue()
                                                        : value.asText()));
        return new LrScheduleOptions(
                run.get("name").asText(),
                settings,
                run.get("learning_rate").asDouble(),
                new LrSchedule.Span(0, 10));
    }

    @Test
    void contradictionsAndFloorsAboveTheRateAreRefused() {
        var mode = refused("reduce_lr_on_plateau", Map.of("mode", "max"));
        assertEquals(
                "lr_scheduler_kwargs.mode must be min or left out, since metric_for_best_model is"
                        + " better when it is smaller, got max",
                mode);
        assertEquals(
                "lr_scheduler_kwargs.min_lr must be at most learning_rate (1.0E-4) for greedy,"
                        + " which else never lowers it, got 0.001",
                refused("greedy", Map.of()));
        assertEquals(
                "lr_scheduler_kwargs has the unknown key patiense (did you mean patience?) for"
                        + " reduce_lr_on_plateau; accepted: [mode, factor, patience, threshold,"
                        + " threshold_mode, cooldown, min_lr, eps]",
                refused("reduce_lr_on_plateau", Map.of("patiense", 3)));
    }

    private static String refused(String type, Map<String, Object> settings) {
        var options = new LrScheduleOptions(type, settings, 1e-4, new LrSchedule.Span(0, 10));
        return assertThrows(ConfigException.class, () -> options.measured(false)).getMessage();
    }
}
