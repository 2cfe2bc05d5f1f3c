package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.examples.quickstart.TinyModel;
import org.attune.program.ProgramSearch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A run with a reward in TRL's form, the one that the page shows.
final class PythonRewardRunTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));
    private static final Path FILE = ROOT.resolve("examples/quickstart/rewards.py");

    @TempDir Path folder;

    private int train(String reward) {
        return Main.run(
                new String[] {
                    "grpo",
                    ROOT.resolve("examples/quickstart/grpo.yaml").toString(),
                    "model_name_or_path=" + folder.resolve("model"),
                    "datasets=" + folder.resolve("prompts.jsonl"),
                    "eval_datasets=null",
                    "reward_funcs=" + reward,
                    "output_dir=" + folder.resolve("out"),
                    "per_device_train_batch_size=8",
                    "max_steps=1",
                    "logging_steps=1",
                    "log_completions=false"
                });
    }

    @Tag("thorough")
    @Test
    void aFunctionOfTrlJudgesAsItIs() throws IOException {
        assumeTrue(ProgramSearch.find("python3", folder).isPresent(), "python3 is not installed");
        new TinyModel(32, 2, 2)
                .write(
                        Files.createDirectories(folder.resolve("model")),
                        RandomSource.XO_SHI_RO_256_PP.create(1L));
        Files.writeString(
                folder.resolve("prompts.jsonl"),
                "{\"prompt\": [{\"role\": \"user\", \"content\": \"2 1\"}], \"answer\": \"1 2\"}\n"
                        .repeat(4));
        Path started = folder.resolve("started");
        Path counted = folder.resolve("counted.py");
        Files.writeString(
                counted,
                Files.readString(FILE)
                        + "\nopen(r\""
                        + started
                        + "\", \"a\").write(\"once\\n\")\n");
        assertEquals(0, train("[exact_answer, " + counted + ":in_place]"));
        assertEquals("once\n", Files.readString(started));
        String metrics = Files.readString(folder.resolve("out/metrics.jsonl"));
        assertTrue(metrics.contains("\"rewards/in_place/mean\""), metrics);
        assertTrue(metrics.contains("\"all_in_place\""), metrics);
        assertEquals(2, train(FILE + ":in_places"));
    }

    @Test
    void thePageShowsTheFunction() throws IOException {
        String function = Files.readString(FILE).split("\n\n\n")[1];
        assertTrue(Files.readString(ROOT.resolve("docs/rewards.md")).contains(function), function);
    }
}
