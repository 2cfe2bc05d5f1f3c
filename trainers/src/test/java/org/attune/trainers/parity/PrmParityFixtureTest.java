package org.attune.trainers.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.datasets.prepare.SampleTokenizer;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.TextAssets;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.scoring.PrmObjective;
import org.attune.trainers.testing.Parity;
import org.attune.trainers.testing.ParityCase;
import org.attune.trainers.testing.RecordingListener;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Whole runs of TRL's last `PRMTrainer` on a tiny model: loss and gradient norm of every step, and
/// the trained weights.
@Tag("fixtures-trl")
class PrmParityFixtureTest {
    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        Path root = Fixtures.fixture("trl/older");
        List<Path> cases =
                Recorded.folders(root).stream()
                        .filter(f -> f.getFileName().toString().startsWith("prm"))
                        .filter(f -> Files.exists(f.resolve("expected.jsonl")))
                        .toList();
        assertEquals(3, cases.size(), "cases: " + cases);
        try (var text = TextAssets.load(root.resolve("prm-model"));
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
