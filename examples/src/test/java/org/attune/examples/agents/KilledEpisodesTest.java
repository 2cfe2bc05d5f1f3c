package org.attune.examples.agents;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.Main;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/// A run on episodes that is killed at random moments, in the middle of rounds too, and resumed
/// each time ends with the bytes of an undisturbed one. `bench/kill-and-resume` does it more often.
@Tag("slow")
class KilledEpisodesTest {
    private static final int KILLS = 3;
    private static final Path EXAMPLES =
            Path.of(System.getProperty("attune.root", "..")).toAbsolutePath().resolve("examples");

    @TempDir private Path folder;

    private Process start(String output) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "--add-modules",
                                "jdk.incubator.vector",
                                "-Xmx1g",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Main.class.getName(),
                                "grpo",
                                folder.resolve("run.yaml").toString(),
                                "output_dir=" + folder.resolve(output),
                                "resume=true"));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(output + ".log").toFile())
                .start();
    }

    private String end(Process run, String output) throws Exception {
        assertTrue(run.waitFor(5, TimeUnit.MINUTES));
        assertEquals(0, run.exitValue(), Files.readString(folder.resolve(output + ".log")));
        return Files.readString(folder.resolve(output).resolve("metrics.jsonl"))
                .replaceAll(
                        "\"(tokens_per_second|step_time|[a-z_]*runtime|[a-z_]*_per_second"
                                + "|episodes/call_seconds/[a-z0-9]*)\":[^,}]*,?",
                        "");
    }

    @Test
    void endsWithTheBytesOfAnUndisturbedRun() throws Exception {
        Files.writeString(
                folder.resolve("prompts.jsonl"),
                """
                {"prompt": [{"role": "user", "content": "1-15?"}]}
                {"prompt": [{"role": "user", "content": "2-15?"}]}
                """);
        Files.writeString(
                folder.resolve("run.yaml"),
                """
                model_name_or_path: %s
                datasets: %s
                environments: {guess: %s}
                reward_funcs: {name: length, min: 5, max: 9}
                use_peft: true
                lora_r: 2
                lora_dropout: 0.0
                dtype: float32
                per_device_train_batch_size: 4
                num_generations: 4
                steps_per_generation: 2
                max_completion_length: 40
                max_steps: 8
                learning_rate: 1e-3
                logging_steps: 1
                save_steps: 1
                save_total_limit: 2
                """
                        .formatted(
                                EXAMPLES.resolve("model"),
                                folder.resolve("prompts.jsonl"),
                                EXAMPLES.resolve("agents/GuessNumber.java")));
        String whole = end(start("whole"), "whole");
        var random = new SplittableRandom(7);
        for (int i = 0; i < KILLS; i++) {
            Process run = start("killed");
            run.waitFor(3000 + random.nextInt(9000), TimeUnit.MILLISECONDS);
            run.destroyForcibly().waitFor();
        }
        assertEquals(whole, end(start("killed"), "killed"));
        assertArrayEquals(
                Files.readAllBytes(folder.resolve("whole/adapter_model.safetensors")),
                Files.readAllBytes(folder.resolve("killed/adapter_model.safetensors")));
    }
}
