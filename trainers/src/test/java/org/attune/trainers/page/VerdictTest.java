package org.attune.trainers.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntToDoubleFunction;

/// `attune auto` and the report judge a run by the same rule.
class VerdictTest {
    private static final int ROWS = 40;

    @TempDir Path folder;

    private Verdict verdict(String metric, IntToDoubleFunction before, IntToDoubleFunction after)
            throws IOException {
        var rows = new StringBuilder();
        double[] means = new double[2];
        for (int i = 0; i < ROWS; i++) {
            double first = before.applyAsDouble(i);
            double second = after.applyAsDouble(i);
            means[0] += first / ROWS;
            means[1] += second / ROWS;
            rows.append(
                    """
                    {"row":%d,"where":"a:%d","prompt":"","before":{"step":0,"completion":"",\
                    "values":{"%s":%s}},"after":{"step":9,"completion":"","values":{"%s":%s}}}
                    """
                            .formatted(i, i, metric, first, metric, second));
        }
        Files.writeString(folder.resolve("heldout.jsonl"), rows.toString());
        Files.writeString(
                folder.resolve("metrics.jsonl"),
                "{\"step\":0,\"eval_%s\":%s}\n{\"step\":9,\"eval_%s\":%s}\n"
                        .formatted(metric, means[0], metric, means[1]));
        return Verdict.of(folder);
    }

    @Test
    void whatIsBeyondChanceIsBetterHoweverSmall() throws IOException {
        Verdict small =
                verdict("loss", i -> 2 + i % 7 * 0.1, i -> 1.99 + i % 7 * 0.1 - i % 2 * 1e-3);
        assertTrue(small.isBetter(), small.toString());
        assertTrue(small.line().startsWith("better: eval_loss: 2.28"), small.line());
        assertTrue(small.line().contains("95 % interval"), small.line());
    }

    @Test
    void whatMayBeChanceIsNot() throws IOException {
        Verdict noise = verdict("loss", i -> 2, i -> i % 2 == 0 ? 1 : 2.9);
        assertFalse(noise.isBetter(), noise.toString());
        assertTrue(noise.line().startsWith("no better: "), noise.line());
        assertEquals("plain", noise.tone());
        assertFalse(verdict("loss", i -> 2, i -> 2.5 + i % 2).isBetter());
    }

    @Test
    void sharesRiseByMoreThanChance() throws IOException {
        assertTrue(verdict("preference_accuracy", i -> i % 2, i -> i % 10 == 0 ? 0 : 1).isBetter());
        assertFalse(verdict("preference_accuracy", i -> i % 2, i -> i < 2 ? 1 : i % 2).isBetter());
    }
}
