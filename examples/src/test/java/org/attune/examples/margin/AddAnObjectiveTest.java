package org.attune.examples.margin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// What `docs/add-an-objective.md` adds: it is right, it trains, it is small, and the page shows it
/// as it is.
final class AddAnObjectiveTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));
    private static final Path PAGE = ROOT.resolve("docs/add-an-objective.md");
    private static final Path SOURCES =
            ROOT.resolve("examples/src/test/java/org/attune/examples/margin");
    private static final Pattern CODE = Pattern.compile("(?s)```java\n(.*?)```");

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
        List<Path> files = sources();
        int lines = 0;
        for (Path file : files) {
            lines += Files.readAllLines(file).size();
        }
        assertTrue(files.size() + 1 <= 10, files.size() + " files and a page");
        assertTrue(lines <= 500, lines + " lines");
    }

    @Test
    void thePageShowsTheFilesAsTheyAre() throws IOException {
        var all = new StringBuilder();
        for (Path file : sources()) {
            all.append(flat(Files.readString(file)));
        }
        List<String> shown =
                CODE.matcher(Files.readString(PAGE)).results().map(m -> flat(m.group(1))).toList();
        assertTrue(shown.size() >= 4, shown.size() + " pieces of code");
        for (String code : shown) {
            assertTrue(all.indexOf(code) >= 0, "not in the files: " + code);
        }
    }

    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.list(SOURCES)) {
            return files.sorted().toList();
        }
    }

    /// Without indentation and line breaks.
    private static String flat(String code) {
        return code.replaceAll("\\s+", " ").strip() + " ";
    }
}
