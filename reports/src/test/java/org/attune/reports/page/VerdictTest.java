package org.attune.reports.page;

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

    /// The policy is its own reference at first, so that every reward is 0 and half of the pairs
    /// count as right, whatever the model is.
    @Test
    void whatIsSoByConstructionIsSaid() throws IOException {
        String values =
                "{\"preference_accuracy\":%s,\"rewards/margins\":%s,\"rewards/chosen\":%s,\"rewards/rejected\":0,\"logps/chosen\":%d,\"logps/rejected\":-20}";
        var rows = new StringBuilder();
        for (int i = 0; i < ROWS; i++) {
            String before = values.formatted(0.5, 0, 0, i < 10 ? -15 : -25);
            int right = i < 36 ? 1 : 0;
            String after = values.formatted(right, right - 0.5, right - 0.5, i < 30 ? -15 : -25);
            rows.append(
                    """
                    {"row":%d,"where":"a:%d","before":{"step":0,"values":%s},"after":{"step":9,"values":%s}}
                    """
                            .formatted(i, i, before, after));
        }
        Files.writeString(folder.resolve("heldout.jsonl"), rows.toString());
        Files.writeString(
                folder.resolve("metrics.jsonl"),
                """
                {"step":0,"eval_preference_accuracy":0.5}
                {"step":9,"eval_preference_accuracy":0.9}
                """);
        Verdict verdict = Verdict.of(folder);
        assertTrue(verdict.isBetter(), verdict.toString());
        String said = verdict.detail();
        assertTrue(said.startsWith("eval_preference_accuracy: 0.9 after, on 40 held-out"), said);
        assertTrue(said.contains("Before, it is 0.5 by construction"), said);
        assertTrue(said.contains("was the likelier one in 10 of 40 pairs before"), said);
        assertTrue(said.contains("and is in 30 after: +0.5 (95 % interval"), said);
    }
}
