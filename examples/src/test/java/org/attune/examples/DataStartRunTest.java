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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Adapters that begin from rows of the run: a resumed run takes the beginning from its checkpoint
/// and writes the bytes of an uninterrupted one.
final class DataStartRunTest {
    @TempDir Path folder;
    private Path rows;

    @BeforeEach
    void writeModelAndRows() throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(1L));
        rows = folder.resolve("rows.jsonl");
        TaskRows.writePairs(rows, Tasks.of("reversal", "easy").generate(5, 24, Split.TRAIN));
    }

    @Test
    void aResumedRunHasTheRanksOfItsBeginning() throws IOException {
        JsonNode config = resumed("{init_lora_weights: eva, eva_config: {tau: 0.9}}");
        assertTrue(config.path("init_lora_weights").asBoolean(), "a plain LoRA");
        assertNotEquals(0, config.path("rank_pattern").size());
        assertEquals(config.path("rank_pattern").size(), config.path("alpha_pattern").size());
        assertEquals(4, config.path("r").asInt());
    }

    /// The file is a plain LoRA of twice the rank.
    @Test
    void aResumedRunTakesTheSameOutOfTheBase() throws IOException {
        JsonNode config =
                resumed("{init_lora_weights: lora_ga, lora_ga_config: {direction: ArBr}}");
        assertTrue(config.path("init_lora_weights").asBoolean(), "a plain LoRA");
        assertEquals(8, config.path("r").asInt());
    }

    private JsonNode resumed(String kwargs) throws IOException {
        String own = "peft_kwargs=" + kwargs;
        run("whole", 4, own);
        run("halves", 2, own);
        run("halves", 4, own, "resume=true");
        assertArrayEquals(adapter("whole"), adapter("halves"));
        return Json.MAPPER.readTree(
                folder.resolve("whole").resolve("adapter_config.json").toFile());
    }

    private byte[] adapter(String run) throws IOException {
        return Files.readAllBytes(folder.resolve(run).resolve("adapter_model.safetensors"));
    }

    private void run(String name, int steps, String... more) {
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
                                "learning_rate=1e-2",
                                "lr_scheduler_type=constant",
                                "max_steps=" + steps,
                                "per_device_train_batch_size=2",
                                "save_steps=2"));
        arguments.addAll(Arrays.asList(more));
        assertEquals(0, Main.run(arguments.toArray(String[]::new)), () -> "" + arguments);
    }
}
