package org.attune.cli.progress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.terminal.RunScreen;
import org.attune.cli.terminal.TerminalScreen;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.junit.jupiter.api.Test;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicLong;

class ProgressLineTest {
    private final StringWriter out = new StringWriter();
    private final AtomicLong millis = new AtomicLong();

    private void report(boolean terminal, int columns) {
        var progress =
                new ProgressLine(
                        new RunScreen(new PrintWriter(out), terminal, () -> columns),
                        () -> Instant.ofEpochMilli(millis.get()),
                        () -> 3L << 29);
        progress.onPhase("load", false);
        progress.onPhase("", false);
        progress.onStart(new RunInfo("sft", Path.of("out"), 10, 110, 55, 1, 1234567));
        progress.onPhase("train", false);
        millis.set(30_000);
        progress.onPhase("", false);
        progress.onStep(20, 40_000, new PhaseClock());
        Map<String, Object> metrics = new LinkedHashMap<>();
        metrics.put("loss", 2.34567);
        metrics.put("learning_rate", 1e-4);
        metrics.put("tokens_per_second", 1234.4);
        progress.onLog(20, metrics);
        progress.onEvaluate(20, Map.of("eval_loss", 2.5, "eval_runtime", 3.0));
        progress.onTotals(110, Map.of("train_loss", 2.0));
        progress.onEnd(
                new RunSummary(
                        110,
                        false,
                        Optional.of(
                                new RunSummary.Heldout(
                                        "eval_loss",
                                        30,
                                        OptionalDouble.of(2.75),
                                        OptionalDouble.empty())),
                        Map.of("train", 3661.0),
                        1000,
                        1L << 30));
    }

    @Test
    void pipeGetsPlainLines() {
        report(false, 120);
        assertEquals(
                """
                sft: 1,234,567 trainable parameters, 110 steps (10 done), results in out
                step 20/110  loss 2.346  learning_rate 1.00e-04  1,234 tokens/s  ETA 4:30  1.50 GiB
                evaluation after step 20: eval_loss 2.500
                done after step 110 in 1:01:01, 1,000 tokens/s, peak 1.00 GiB
                """,
                out.toString().replace("\r\n", "\n"));
    }

    @Test
    void terminalKeepsALineForEachLoggedStep() {
        report(true, 80);
        assertEquals(
                """
                sft: 1,234,567 trainable parameters, 110 steps (10 done), results in out
                step 20/110  loss 2.346  learning_rate 1.00e-04  1,234 tokens/s
                evaluation after step 20: eval_loss 2.500
                done after step 110 in 1:01:01, 1,000 tokens/s, peak 1.00 GiB
                """,
                TerminalScreen.of(80).show(out.toString()).strip() + "\n");
    }

    @Test
    void evaluationsFitTheTerminalToo() {
        var progress =
                new ProgressLine(
                        new RunScreen(new PrintWriter(out), true, () -> 80),
                        () -> Instant.ofEpochMilli(0),
                        () -> 0);
        Map<String, Object> metrics = new LinkedHashMap<>();
        metrics.put("eval_loss", 0.4802);
        metrics.put("eval_mean_token_accuracy", 0.9543);
        metrics.put("eval_rewards/margins", 0.9589);
        metrics.put("eval_preference_accuracy", 0.9707);
        progress.onEvaluate(0, metrics);
        assertTrue(
                TerminalScreen.of(80)
                        .show(out.toString())
                        .startsWith(
                                "evaluation at the start: eval_loss 0.4802"
                                        + "  eval_preference_accuracy 0.9707\n"),
                out.toString());
    }

    @Test
    void narrowTerminalLosesWhatMattersLeast() {
        report(true, 44);
        List<String> lines = TerminalScreen.of(44).show(out.toString()).lines().toList();
        assertTrue(lines.contains("step 20/110  loss 2.346  1,234 tokens/s"), lines.toString());
    }

    @Test
    void numbersHaveFourSignificantDigits() {
        assertEquals("0.6931", ProgressLine.significant(0.693147));
        assertEquals("12.35", ProgressLine.significant(12.3456));
        assertEquals("1235", ProgressLine.significant(1234.56));
        assertEquals("-0.001235", ProgressLine.significant(-0.00123456));
        assertEquals("1.00e-06", ProgressLine.significant(1e-6));
        assertEquals("0.0", ProgressLine.significant(0));
        assertEquals("NaN", ProgressLine.significant(Double.NaN));
    }
}
