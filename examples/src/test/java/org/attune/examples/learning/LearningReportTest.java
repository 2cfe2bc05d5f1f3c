package org.attune.examples.learning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.models.eval.EvalProblem;
import org.attune.models.eval.EvalResult;
import org.attune.models.eval.EvalRow;
import org.attune.trainers.loop.RunSummary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.IntStream;

import javax.imageio.ImageIO;

final class LearningReportTest {
    private static final int PROBLEMS = 100;

    @TempDir Path folder;

    /// So many of a hundred problems solved, with so many completions of each.
    private static EvalResult solved(int right, int samples) {
        EvalProblem problem = EvalProblem.continued("2 + 2 =", Map.of());
        return new EvalResult(
                IntStream.range(0, PROBLEMS)
                        .mapToObj(i -> OptionalDouble.of(i < right ? 1 : 0))
                        .map(
                                reward ->
                                        new EvalRow(
                                                problem,
                                                Collections.nCopies(samples, "4"),
                                                Collections.nCopies(samples, reward)))
                        .toList());
    }

    private static HeldOut.Answers answers(int greedy, int sampled) {
        return new HeldOut.Answers(solved(greedy, 1), solved(sampled, 4));
    }

    private static GrpoOutcome grpo(long seed, int greedy, double last) {
        return new GrpoOutcome(
                seed, new TreeMap<>(Map.of(5, 0.3, 10, last)), answers(greedy, greedy - 10));
    }

    private static LearningReport report() {
        var preferences =
                new RunSummary.Heldout(
                        "eval_preference_accuracy",
                        50,
                        OptionalDouble.of(0.5),
                        OptionalDouble.of(0.98));
        return new LearningReport(
                answers(25, 30),
                List.of(grpo(1, 80, 0.7), grpo(2, 70, 0.6)),
                List.of(grpo(1, 20, 0.2), grpo(2, 24, 0.2)),
                List.of(new DpoOutcome(1, preferences, answers(60, 50))));
    }

    @Test
    void tablesHaveARowForEachRunAndItsMean() {
        List<String> lines = report().markdown().lines().toList();
        // Wilson's interval of 25 of 100: (0.25 + 0.0192 ± 1.96 √(0.001875 + 0.000092)) / 1.0384
        assertTrue(lines.get(2).startsWith("| untrained | – | – | 25.0 %, 17.5 % to 34.3 % |"));
        assertTrue(lines.get(3).startsWith("| GRPO | 1 | 0.30 to 0.70 | 80.0 %"), lines.get(3));
        assertEquals("| GRPO | mean | – | 75.0 % | +50.0 | 65.0 % | +35.0 |", lines.get(5));
        assertEquals(
                "| GRPO, shuffled rewards | mean | – | 22.0 % | -3.0 | 12.0 % | -18.0 |",
                lines.get(8));
        assertEquals("| DPO | mean | – | 60.0 % | +35.0 | 50.0 % | +20.0 |", lines.get(10));
        assertTrue(lines.getLast().startsWith("| 1 | 50 | 50.0 % |"), lines.getLast());
    }

    @Test
    void filesAndCurvesAreWritten() throws IOException {
        report().write(folder);
        JsonNode json = new ObjectMapper().readTree(folder.resolve("learning.json").toFile());
        assertEquals(0.25, json.at("/before/greedy/accuracy").asDouble());
        assertEquals(4, json.at("/grpo/0/heldout/sampled/samples").asInt());
        assertEquals(0.2, json.at("/shuffled_rewards/1/reward_by_step/10").asDouble());
        assertEquals(0.98, json.at("/dpo/0/preference_accuracy/after").asDouble());
        assertEquals(report().markdown(), Files.readString(folder.resolve("learning.md")));

        Path png = folder.resolve("rewards.png");
        RewardCurves.draw(report(), png);
        assertEquals(800, ImageIO.read(png.toFile()).getWidth());
        assertTrue(Files.size(png) < 60_000, Files.size(png) + " bytes");
    }
}
