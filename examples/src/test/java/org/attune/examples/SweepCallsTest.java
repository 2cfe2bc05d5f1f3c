package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.examples.quickstart.TinyModel;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// A sweep that is called again.
@Tag("thorough")
final class SweepCallsTest {
    @TempDir Path folder;

    private String sweep(Path file) {
        PrintStream console = System.out;
        var said = new ByteArrayOutputStream();
        System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
        try {
            assertEquals(0, Main.run("sweep", file.toString(), "--method", "grpo"));
        } finally {
            System.setOut(console);
        }
        return said.toString(StandardCharsets.UTF_8);
    }

    private static String best(String said) {
        return said.lines().filter(line -> line.startsWith("best: ")).findFirst().orElseThrow();
    }

    @Test
    void itSaysTheSameWhenItIsFinished() throws IOException {
        new TinyModel(32, 2, 2)
                .write(
                        Files.createDirectories(folder.resolve("model")),
                        RandomSource.XO_SHI_RO_256_PP.create(1L));
        Files.writeString(
                folder.resolve("prompts.jsonl"), "{\"prompt\": \"Write: 12\"}\n".repeat(4));
        Path file =
                Files.writeString(
                        folder.resolve("run.yaml"),
                        """
                        model_name_or_path: %1$s/model
                        datasets: %1$s/prompts.jsonl
                        eval_datasets: %1$s/prompts.jsonl
                        output_dir: %1$s/out
                        reward_funcs: {name: length, max: 3, unit: characters}
                        use_peft: true
                        per_device_train_batch_size: 4
                        num_generations: 2
                        max_completion_length: 4
                        max_steps: 1
                        sweep:
                          strategy: grid
                          keys: {learning_rate: [1e-3, 1e-4]}
                        """
                                .formatted(folder));
        String first = best(sweep(file));
        assertTrue(first.contains(", eval_reward "), first);
        assertEquals(first, best(sweep(file)));
        for (int trial = 1; trial <= 2; trial++) {
            Path own = folder.resolve("out/trial-00" + trial);
            assertTrue(Files.exists(own.resolve("summary.json")), own::toString);
        }
        assertTrue(
                first.contains("trial " + first.replaceAll(".*trial-00(\\d).*", "$1") + ","),
                first);
    }
}
