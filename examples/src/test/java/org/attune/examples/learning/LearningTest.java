package org.attune.examples.learning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.config.GrpoConfig;
import org.attune.trainers.eval.EvalResult;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/// The study in small: rewards teach, and the same rewards dealt out at random don't.
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

    @Test
    void rewardsTeachAndShuffledOnesDoNot() {
        var study = new LearningStudy(ROOT, folder);
        EvalResult before = study.before();
        assertEquals(400, before.n());

        GrpoOutcome real = study.real(config("real"));
        double learnt = before.to(real.after()).mean();
        assertTrue(learnt > 0.20, "with rewards accuracy changes by " + learnt);

        GrpoOutcome control = study.control(config("shuffled"));
        double drifted = before.to(control.after()).mean();
        assertTrue(Math.abs(drifted) < 0.08, "without, accuracy changes by " + drifted);
    }
}
