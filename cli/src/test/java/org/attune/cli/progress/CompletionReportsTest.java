package org.attune.cli.progress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.terminal.RunScreen;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.text.Message;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// What the terminal shows of completions.
class CompletionReportsTest {
    @TempDir Path checkpoint;

    private final StringWriter out = new StringWriter();
    private final RunScreen screen = new RunScreen(new PrintWriter(out), false, () -> 100);

    /// A completion for each reward; prompt `p` has the completions from `p · generations` on.
    private static CompletionTable table(int generations, String text, double... rewards) {
        List<Prompt> prompts = new ArrayList<>();
        List<Completion> completions = new ArrayList<>();
        double[][] values = new double[rewards.length][];
        for (int i = 0; i < rewards.length; i++) {
            String asked = "prompt " + i / generations;
            prompts.add(new Prompt("<user>" + asked, List.of(Message.of("user", asked))));
            completions.add(new Completion(text + "\n" + i, new int[] {1}, List.of()));
            values[i] = new double[] {rewards[i]};
        }
        return new CompletionTable(
                new RewardBatch(prompts, completions, Map.of()),
                new RewardTable(
                        List.of("exact"),
                        new double[] {1},
                        values,
                        List.of(),
                        Map.of(),
                        Map.of("parsed", Arrays.asList(new Object[rewards.length]))),
                Optional.of(new double[rewards.length]),
                generations);
    }

    private List<String> printed() {
        List<String> lines = out.toString().lines().toList();
        out.getBuffer().setLength(0);
        return lines;
    }

    private List<String> print(CompletionLogConfig config, int step) {
        var printer = new CompletionsPrinter(screen, config);
        printer.onLog(1, Map.of("loss", 1.0));
        assertEquals(List.of(), printed(), "nothing was generated yet");
        printer.onCompletions(0, table(2, "old", 0, 1));
        printer.onCompletions(1, table(2, "new", 0, 1, Double.NaN, 0.5));
        printer.onLog(step, Map.of("loss", 1.0));
        List<String> lines = printed();
        printer.onTotals(step, Map.of("train_loss", 1.0));
        assertEquals(List.of(), printed(), "the totals are no logged step");
        return lines;
    }

    @Test
    void theNewestRoundIsPrintedWhole() {
        assertEquals(
                List.of(
                        "completions at step 7 (4 of 4)",
                        "  prompt    completion  exact  advantage  parsed",
                        "  prompt 0  new\\n0       0.00       0.00",
                        "  prompt 0  new\\n1       1.00       0.00",
                        "  prompt 1  new\\n2       none       0.00",
                        "  prompt 1  new\\n3       0.50       0.00"),
                print(CompletionLogConfig.defaults(), 7));
    }

    @Test
    void someAreDrawnByTheStep() {
        var two = CompletionLogConfig.defaults().withNumCompletionsToPrint(2);
        List<String> lines = print(two, 7);
        assertEquals("completions at step 7 (2 of 4)", lines.get(0));
        assertEquals(4, lines.size());
        assertEquals(lines, print(two, 7));
        long different =
                List.of(1, 2, 3, 4, 5, 6).stream()
                        .map(step -> print(two, step).subList(2, 4))
                        .distinct()
                        .count();
        assertTrue(different > 1, "every step draws the same");
        assertEquals(List.of(), print(two.withNumCompletionsToPrint(0), 7));
    }

    @Test
    void uniquePromptsAreShownOnce() {
        List<String> lines = print(CompletionLogConfig.defaults().withLogUniquePrompts(true), 7);
        assertEquals(4, lines.size());
        assertTrue(lines.get(2).contains("prompt 0") && lines.get(3).contains("prompt 1"));
    }

    private static RunSummary summary(OptionalDouble after) {
        var heldout = new RunSummary.Heldout("eval_reward", 6, OptionalDouble.of(0.25), after);
        return new RunSummary(9, false, Optional.of(heldout), Map.of(), 0, 0);
    }

    private static final double[] BEFORE = {0, 1, 0, 0, 0, 0};

    @Test
    void heldOutCompletionsStandSideBySide() {
        var report = new HeldOutReport(screen);
        report.onHeldOutCompletions("", table(1, "a", BEFORE));
        report.onHeldOutCompletions("second set", table(1, "unused", 1, 1, 1, 1, 1, 1));
        report.onEvaluate(0, Map.of());
        report.onHeldOutCompletions("", table(1, "in the middle", BEFORE));
        report.onEvaluate(5, Map.of());
        report.onHeldOutCompletions("", table(1, "b", 1, 1, 0, 1, 1, 0));
        report.onEvaluate(9, Map.of());
        report.onEnd(summary(OptionalDouble.of(0.75)));
        List<String> lines = printed();
        assertEquals(
                "eval_reward on 6 held-out prompts: 0.2500 before (1 right of 6), 0.7500 after (4"
                        + " right of 6)",
                lines.get(0));
        assertEquals("the first 5 of them:", lines.get(1));
        assertEquals("  prompt    before  reward  after  reward", lines.get(2));
        assertEquals("  prompt 0  a\\n0      0.00  b\\n0     1.00", lines.get(3));
        assertEquals(8, lines.size());
    }

    @Test
    void rewardsThatAreNotAllZeroOrOneAreNotCounted() {
        var report = new HeldOutReport(screen);
        report.onHeldOutCompletions("", table(2, "a", 0, 1, 0.5, 0, 0, 0));
        report.onEvaluate(0, Map.of());
        report.onEnd(summary(OptionalDouble.empty()));
        assertEquals(
                List.of("eval_reward on 6 held-out prompts: 0.2500 before, not measured after"),
                printed());
    }

    @Test
    void resumedRunKnowsWhatWasBefore() {
        var first = new HeldOutReport(screen);
        first.onHeldOutCompletions("", table(3, "a", 0, 1, 0, 0, Double.NaN, 0));
        first.onEvaluate(0, Map.of());
        first.onSave(4, checkpoint);
        first.onHeldOutCompletions("", table(3, "b", 1, 1, 1, 1, 1, 1));
        first.onEvaluate(9, Map.of());
        first.onEnd(summary(OptionalDouble.of(1)));
        List<String> undisturbed = printed();
        assertTrue(undisturbed.get(0).endsWith("0.2500 before, 1.000 after (6 right of 6)"));

        var resumed = new HeldOutReport(screen);
        resumed.onResume(checkpoint);
        resumed.onHeldOutCompletions("", table(3, "b", 1, 1, 1, 1, 1, 1));
        resumed.onEvaluate(9, Map.of());
        resumed.onEnd(summary(OptionalDouble.of(1)));
        assertEquals(undisturbed, printed());
    }

    @Test
    void runsWithoutCompletionsSayRows() {
        var report = new HeldOutReport(screen);
        report.onEvaluate(0, Map.of());
        report.onEvaluate(9, Map.of());
        report.onEnd(summary(OptionalDouble.of(0.5)));
        assertEquals(
                List.of("eval_reward on 6 held-out rows: 0.2500 before, 0.5000 after"), printed());
        assertFalse(checkpoint.resolve("heldout_before.json").toFile().exists());
    }
}
