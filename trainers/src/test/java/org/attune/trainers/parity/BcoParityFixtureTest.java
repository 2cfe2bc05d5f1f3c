package org.attune.trainers.parity;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.prepare.SampleTokenizer;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.TextAssets;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Whole runs of TRL's last `BCOTrainer` on a tiny model: loss, gradient norm, δ and all metrics of
/// every step, and the trained weights. `trl_compat` makes the logits those of padded rows.
@Tag("fixtures-trl")
class BcoParityFixtureTest {
    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        Path root = Fixtures.fixture("trl");
        List<Path> cases =
                Recorded.folders(root.resolve("older")).stream()
                        .filter(f -> f.getFileName().toString().startsWith("bco"))
                        .filter(f -> Files.exists(f.resolve("expected.jsonl")))
                        .toList();
        assertTrue(cases.size() >= 3, "cases: " + cases);
        try (var text = TextAssets.load(root.resolve("model"));
                var report = new CaseReport("fixtures-trl", getClass())) {
            var tokenizer = new SampleTokenizer(text.tokenizer(), text.template());
            for (Path folder : cases) {
                String name = folder.getFileName().toString();
                var parity = ParityCase.of(root, tokenizer, folder, output.resolve(name));
                report.run(name, () -> Engine.run(() -> compare(parity)));
            }
        }
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
