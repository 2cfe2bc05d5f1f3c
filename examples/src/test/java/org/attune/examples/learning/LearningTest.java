package org.attune.examples.learning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.models.eval.EvalResult;
import org.attune.trainers.grpo.GrpoConfig;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/// The study in small: with rewards held-out accuracy rises, with the same rewards dealt out at
/// random it doesn't.
@Tag("slow")
final class LearningTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));
    private static final int STEPS = 30;

    @TempDir Path folder;

    private GrpoConfig config(String name) {
        return new QuickstartRuns(ROOT)
                .grpo(1, folder.resolve(name))
                .withTraining(t -> t.withSchedule(s -> s.withMaxSteps(STEPS)));
    }

    private static double change(EvalResult before, EvalResult after) {
        return before.to(after).mean();
    }

    @Test
    void rewardsTeachAndShuffledOnesDoNot() {
        var study = new LearningStudy(ROOT, folder);
        HeldOut.Answers before = study.before();
        assertEquals(400, before.greedy().n());

        HeldOut.Answers real = study.real(config("real")).after();
        double greedy = change(before.greedy(), real.greedy());
        double sampled = change(before.sampled(), real.sampled());
        assertTrue(greedy > 0.20, "with rewards greedy accuracy changes by " + greedy);
        assertTrue(sampled > 0.20, "with rewards sampled accuracy changes by " + sampled);

        HeldOut.Answers control = study.control(config("shuffled")).after();
        double sampledWithout = change(before.sampled(), control.sampled());
        double greedyWithout = change(before.greedy(), control.greedy());
        // One-sided: steps along noise are as long as others and may cost accuracy
        // (docs/lab/learning.md).
        assertTrue(sampledWithout < 0.08, "without, sampled accuracy rises by " + sampledWithout);
        assertTrue(greedyWithout < 0.08, "without, greedy accuracy rises by " + greedyWithout);
    }
}
