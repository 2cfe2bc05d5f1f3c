package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.examples.quickstart.TinyModel;
import org.attune.json.Json;
import org.attune.reward.task.Split;
import org.attune.reward.task.TaskRows;
import org.attune.reward.task.Tasks;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// An adapter that begins from rows of the run: a resumed run takes its ranks from the checkpoint
/// and writes the bytes of an uninterrupted one.
final class EvaRunTest {
    @TempDir Path folder;

    @Test
    void aResumedRunHasTheRanksOfItsBeginning() throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(1L));
        Path rows = folder.resolve("rows.jsonl");
        TaskRows.writePairs(rows, Tasks.of("reversal", "easy").generate(5, 24, Split.TRAIN));
        run(rows, "whole", 4);
        run(rows, "halves", 2);
        run(rows, "halves", 4, "resume=true");
        assertArrayEquals(adapter("whole"), adapter("halves"));
        JsonNode config =
                Json.MAPPER.readTree(
                        folder.resolve("whole").resolve("adapter_config.json").toFile());
        assertTrue(config.path("init_lora_weights").asBoolean(), "a plain LoRA");
        assertNotEquals(0, config.path("rank_pattern").size());
        assertEquals(config.path("rank_pattern").size(), config.path("alpha_pattern").size());
        int sum = 0;
        int modules = 0;
        for (JsonNode rank : config.path("rank_pattern")) {
            sum += rank.asInt();
            modules++;
        }
        assertTrue(sum <= 4 * 7 * 2 && modules > 0, "the ranks that were asked for");
    }

    private byte[] adapter(String run) throws IOException {
        return Files.readAllBytes(folder.resolve(run).resolve("adapter_model.safetensors"));
    }

    private void run(Path rows, String name, int steps, String... more) {
        var arguments =
                new ArrayList<>(
                        List.of(
                                "dpo",
                                "model_name_or_path=" + folder.resolve("model"),
                                "datasets=" + rows,
                                "output_dir=" + folder.resolve(name),
                                "dtype=float32",
                                "use_peft=true",
                                "lora_r=4",
                                "lora_alpha=8",
                                "lora_target_modules=all-linear",
                                "peft_kwargs={init_lora_weights: eva, eva_config: {tau: 0.9}}",
                                "learning_rate=1e-2",
                                "lr_scheduler_type=constant",
                                "max_steps=" + steps,
                                "per_device_train_batch_size=2",
                                "save_steps=2"));
        arguments.addAll(Arrays.asList(more));
        assertEquals(0, Main.run(arguments.toArray(String[]::new)), () -> "" + arguments);
    }
}
