package org.attune.trainers.parity;

import org.attune.tensor.TensorScope;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.scoring.PrmObjective;
import org.attune.trainers.testing.Parity;
import org.attune.trainers.testing.ParityCase;
import org.attune.trainers.testing.RecordingListener;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// Whole runs of TRL's last `PRMTrainer` on a tiny model: loss and gradient norm of every step, and
/// the trained weights.
@Tag("fixtures-trl")
class PrmParityFixtureTest {
    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        OlderRuns.compareAll("prm", output, getClass(), PrmParityFixtureTest::compare);
    }

    private static void compare(ParityCase parity) {
        try (var _ = TensorScope.open("parity");
                var decoder = parity.model("model");
                var policy = parity.policy(decoder)) {
            var listener = new RecordingListener();
            PrmObjective.trainer(
                            parity.prmConfig(),
                            policy,
                            parity.stepwiseRows(),
                            List.of(),
                            RunContext.of(_ -> {}).withListeners(listener))
                    .train();
            Parity.compareSteps(parity.expectedSteps(), listener.logs);
            Parity.compareWeights(parity.expectedWeights(), policy);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
