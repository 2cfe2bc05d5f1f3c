package org.attune.tensor.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

class PanelLoopsTest {
    private static final int WIDE = 32;
    private static final double ROUNDING = 1.0 / 128; // of bfloat16, twice

    @Test
    void gatesAreOpenedByGelu() {
        try (Arena arena = Arena.ofConfined()) {
            var gates = arena.allocate(2L * WIDE * Float.BYTES, 64);
            for (int i = 0; i < 2 * WIDE; i++) {
                gates.setAtIndex(ValueLayout.JAVA_FLOAT, i, (i - WIDE) / 8f);
            }
            PanelLoops.openByGelu(gates.address(), 2, WIDE);
            for (int i = 0; i < 2 * WIDE; i++) {
                double x = (i - WIDE) / 8.0;
                double inner = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
                double wanted = 0.5 * x * (1 + Math.tanh(inner));
                double seen = gates.getAtIndex(ValueLayout.JAVA_FLOAT, i);
                assertEquals(wanted, seen, ROUNDING * Math.abs(wanted) + 1e-6, "of " + x);
            }
        }
    }
}
