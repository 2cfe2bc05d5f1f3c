package org.attune.trainers.parity;

import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.tensor.TensorScope;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.testing.Parity;
import org.attune.trainers.testing.ParityCase;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.UnpairedCase;
import org.attune.trainers.unpaired.BcoObjective;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// Whole runs of TRL's last `BCOTrainer` on a tiny model: loss, gradient norm, δ and all metrics of
/// every step, and the trained weights. `trl_compat` makes the logits those of padded rows.
@Tag("fixtures-trl")
class BcoParityFixtureTest {
    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        OlderRuns.compareAll("bco", output, getClass(), BcoParityFixtureTest::compare);
    }

    private static void compare(ParityCase parity) {
        try (var _ = TensorScope.open("parity");
                var decoder = parity.model("model");
                var policy = parity.policy(decoder)) {
            var listener = new RecordingListener();
            RunContext context = RunContext.of(_ -> {}).withListeners(listener);
            if (parity.hasSeparateReference()) {
                try (var separate = parity.model("reference_model")) {
                    train(parity, policy, Policy.reference(separate), context);
                }
            } else {
                train(parity, policy, parity.sharedReference(policy), context);
            }
            Parity.compareSteps(parity.expectedSteps(), listener.logs);
            Parity.compareWeights(parity.expectedWeights(), policy);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void train(
            ParityCase parity, Policy policy, Scorer reference, RunContext context) {
        BcoObjective.trainer(
                        new UnpairedCase(parity).bcoConfig(),
                        policy,
                        reference,
                        parity.tokenizer().tokenizer().padId(),
                        new UnpairedCase(parity).labelledRows(),
                        List.of(),
                        context)
                .train();
    }
}
