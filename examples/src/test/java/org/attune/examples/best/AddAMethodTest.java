package org.attune.examples.best;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.examples.PageCode;
import org.attune.models.ModelConfig;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.DatasetSpec;
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
import java.util.List;

/// What `docs/add-a-method.md` adds: it trains, it is small, and the page shows it as it is.
final class AddAMethodTest {
    private static final Path EXAMPLES =
            Path.of(System.getProperty("attune.root", "..")).resolve("examples");
    private static final PageCode PAGE = PageCode.of("add-a-method.md", "best");

    @Test
    void itIsSmall() throws IOException {
        PAGE.assertSmall(6, 450);
    }

    @Test
    void thePageShowsTheFilesAsTheyAre() throws IOException {
        PAGE.assertShown();
    }

    @Tag("thorough")
    @Test
    void heldOutPromptsAreAnsweredBetter(@TempDir Path folder) throws IOException {
        Path heldOut = folder.resolve("heldout.jsonl");
        List<String> rows = Files.readAllLines(EXAMPLES.resolve("quickstart/heldout.jsonl"));
        Files.write(heldOut, rows.subList(0, 100));
        String prompts = EXAMPLES.resolve("quickstart/prompts.jsonl").toString();
        BestConfig defaults = BestConfig.defaults();
        var config =
                new BestConfig(
                        ModelConfig.of(EXAMPLES.resolve("model").toString()),
                        LoraSettings.allLinear(8, 16),
                        DataConfig.of(prompts)
                                .withEvalDatasets(List.of(DatasetSpec.of(heldOut.toString()))),
                        defaults.numGenerations(),
                        12,
                        defaults.sampling(),
                        defaults.rewards().withRewardFuncs(List.of("exact_answer")),
                        TrainingConfig.of(OptimizerConfig.defaults().withLearningRate(2e-3))
                                .withSave(SaveConfig.to(folder.resolve("out")))
                                .withBatch(b -> b.withPerDeviceTrainBatchSize(64))
                                .withSchedule(s -> s.withMaxSteps(12)));
        RunSummary summary = Runs.with().train(new BestMethod(), config, folder);
        RunSummary.Heldout reward = summary.heldout().orElseThrow();
        double before = reward.before().orElseThrow();
        double after = reward.after().orElseThrow();
        assertTrue(after > before + 0.05, before + " before, " + after + " after");
        assertTrue(Files.exists(folder.resolve("out/adapter_model.safetensors")));
    }
}
