package org.attune.trainers.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;

/// The tolerances that the fixtures' README states for `losses.json`.
public final class Tolerance {
    private final double relative;
    private final double absolute;

    public Tolerance(JsonNode c) {
        boolean single = c.get("dtype").asText().equals("float32");
        boolean extreme = c.get("name").asText().contains("extreme");
        relative = single ? 1e-5 : extreme ? 1e-6 : 1e-9;
        absolute = single ? 1e-6 : 1e-12;
    }

    /// Where TRL's formula overflows, a stable one may differ, but not be NaN.
    public void check(String what, double expected, double got) {
        if (!Double.isFinite(expected)) {
            assertFalse(Double.isNaN(got), what);
            return;
        }
        assertEquals(expected, got, absolute + relative * Math.abs(expected), what);
    }

    public void check(String what, JsonNode metrics, double got) {
        if (metrics.has(what)) {
            check(what, metrics.get(what).asDouble(), got);
        }
    }
}
