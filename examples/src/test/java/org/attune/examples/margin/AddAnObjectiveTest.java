package org.attune.examples.margin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.examples.PageCode;
import org.attune.models.ModelConfig;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.run.Runs;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// What `docs/add-an-objective.md` adds: it is right, it trains, it is small, and the page shows it
/// as it is.
final class AddAnObjectiveTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));
    private static final PageCode PAGE = PageCode.of("add-an-objective.md", "margin");

    @Test
    void lossIsWhatIsLacking() {
        var loss = new MarginLoss(1);
        assertEquals(new MarginLoss.Value(1.5, -1), loss.of(-0.5)); // 1 − (−0.5)
        assertEquals(new MarginLoss.Value(0, 0), loss.of(1.25));
    }

    @Tag("thorough")
    @Test
    void heldOutPairsAreToldApartBetter(@TempDir Path folder) {
        Path quickstart = ROOT.resolve("examples/quickstart");
        var config =
                new MarginConfig(
                        ModelConfig.of(ROOT.resolve("examples/model").toString()),
                        LoraSettings.allLinear(8, 16),
                        DataConfig.of(quickstart.resolve("pairs.jsonl").toString())
                                .withTestSplitSize(0.1),
                        1,
                        TrainingConfig.of(OptimizerConfig.defaults().withLearningRate(2e-3))
                                .withSave(SaveConfig.to(folder.resolve("out")))
                                .withSchedule(s -> s.withMaxSteps(12)));
        RunSummary summary = Runs.with().train(new MarginMethod(), config, folder);

        RunSummary.Heldout heldOut = summary.heldout().orElseThrow();
        double before = heldOut.before().orElseThrow();
        double after = heldOut.after().orElseThrow();
        assertTrue(after > before + 0.05, before + " before, " + after + " after");
        assertTrue(Files.exists(folder.resolve("out/adapter_model.safetensors")));
    }

    @Test
    void itIsSmall() throws IOException {
        PAGE.assertSmall(5, 350);
    }

    @Test
    void thePageShowsTheFilesAsTheyAre() throws IOException {
        PAGE.assertShown();
    }
}
