package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.examples.quickstart.TinyModel;
import org.attune.reward.task.Problem;
import org.attune.reward.task.Split;
import org.attune.reward.task.TaskRows;
import org.attune.reward.task.Tasks;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// References that follow the policy, through the command line. Checkpoints hold them, so a resumed
/// run writes the bytes of an uninterrupted one.
@Tag("thorough")
final class MovingReferenceRunTest {
    private static final String REFERENCE = "reference.safetensors";

    @TempDir static Path folder;
    private static Path model;
    private static Path pairs;
    private static Path prompts;

    @BeforeAll
    static void writeModelAndRows() throws IOException {
        model = Files.createDirectories(folder.resolve("model"));
        new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(1L));
        List<Problem> problems = Tasks.of("reversal", "easy").generate(5, 48, Split.TRAIN);
        pairs = folder.resolve("pairs.jsonl");
        prompts = folder.resolve("prompts.jsonl");
        TaskRows.writePairs(pairs, problems);
        TaskRows.writePrompts(prompts, problems);
    }

    @Test
    void dpoWithAnAdapter() throws IOException {
        resumes("dpo", pairs, "dpo-lora", "use_peft=true", "lora_r=4", "lora_dropout=0");
    }

    /// From the adapter that another run has left.
    @Test
    void dpoFromAStartAdapter() throws IOException {
        run("sft", pairsAsText(), "start", 2, "use_peft=true", "lora_r=4", "learning_rate=0.1");
        String start = "adapter_name_or_path=" + folder.resolve("start");
        resumes("dpo", pairs, "dpo-start", start, "reference=start_adapter");
    }

    private static Path pairsAsText() throws IOException {
        Path texts = folder.resolve("texts.jsonl");
        return Files.write(texts, List.of("{\"text\": \"ab\"}", "{\"text\": \"ba\"}"));
    }

    @Test
    void dpoWithAllWeights() throws IOException {
        resumes("dpo", pairs, "dpo-full", "use_peft=false");
    }

    @Test
    void ktoWithAllWeightsInBfloat16() throws IOException {
        resumes("kto", pairs, "kto-full", "use_peft=false", "dtype=bfloat16");
    }

    @Test
    void bcoWithAnAdapter() throws IOException {
        resumes("bco", pairs, "bco-lora", "use_peft=true", "lora_r=4");
    }

    @Test
    void grpoWithAnAdapter() throws IOException {
        resumes(
                "grpo",
                prompts,
                "grpo-lora",
                "use_peft=true",
                "lora_r=4",
                "lora_dropout=0",
                "beta=0.1",
                "reward_funcs=[{name: length, unit: characters, max: 1, falloff: 9}]",
                "num_generations=4",
                "max_completion_length=6");
    }

    @Test
    void ppoWithAllWeights() throws IOException {
        resumes(
                "ppo",
                prompts,
                "ppo-full",
                "use_peft=false",
                "kl_coef=0.1",
                "reward_funcs=exact_answer",
                "response_length=6");
    }

    /// Four steps in one go, and two and two; the reference moves after the second and the fourth.
    private static void resumes(String method, Path rows, String name, String... more)
            throws IOException {
        List<JsonNode> whole = run(method, rows, name + "-whole", 4, more);
        run(method, rows, name + "-halves", 2, more);
        var resuming = new ArrayList<>(Arrays.asList(more));
        resuming.add("resume=true");
        List<JsonNode> halves =
                run(method, rows, name + "-halves", 4, resuming.toArray(String[]::new));
        for (int i = 0; i < whole.size(); i++) {
            for (String key : List.of("loss", "grad_norm")) {
                assertEquals(whole.get(i).get(key), halves.get(i).get(key), key);
            }
        }
        for (int step : new int[] {2, 4}) {
            String file = "checkpoint-" + step + "/" + REFERENCE;
            assertArrayEquals(
                    Files.readAllBytes(folder.resolve(name + "-whole").resolve(file)),
                    Files.readAllBytes(folder.resolve(name + "-halves").resolve(file)),
                    file);
        }
        assertFalse(
                Arrays.equals(
                        Files.readAllBytes(reference(name + "-whole", 2)),
                        Files.readAllBytes(reference(name + "-whole", 4))),
                "it has moved");
        var still = new ArrayList<>(Arrays.asList(more));
        still.add("sync_ref_model=false");
        List<JsonNode> frozen = run(method, rows, name + "-still", 4, still.toArray(String[]::new));
        assertEquals(
                whole.get(1).get("loss").asDouble(),
                frozen.get(1).get("loss").asDouble(),
                1e-4, // copies of frozen weights round otherwise
                "before it moves");
        assertNotEquals(whole.get(2).get("grad_norm"), frozen.get(2).get("grad_norm"));
    }

    private static Path reference(String name, int step) {
        return folder.resolve(name).resolve("checkpoint-" + step).resolve(REFERENCE);
    }

    private static List<JsonNode> run(
            String method, Path rows, String name, int steps, String... more) throws IOException {
        var arguments =
                new ArrayList<>(
                        List.of(
                                method,
                                "model_name_or_path=" + model,
                                "datasets=" + rows,
                                "output_dir=" + folder.resolve(name),
                                "dtype=float32",
                                "learning_rate=1e-3",
                                "lr_scheduler_type=constant",
                                "max_steps=" + steps,
                                "per_device_train_batch_size=4",
                                "save_steps=2",
                                "logging_steps=1"));
        if (!method.equals("sft")) {
            arguments.addAll(
                    List.of(
                            "sync_ref_model=true",
                            "ref_model_mixup_alpha=0.5",
                            "ref_model_sync_steps=2"));
        }
        arguments.addAll(Arrays.asList(more));
        assertEquals(0, Main.run(arguments.toArray(String[]::new)), () -> "" + arguments);
        var json = new ObjectMapper();
        List<JsonNode> logged = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve(name).resolve("metrics.jsonl"))) {
            JsonNode step = json.readTree(line);
            if (step.has("grad_norm")) {
                logged.add(step);
            }
        }
        assertTrue(method.equals("sft") || logged.size() == steps, method + ": " + logged.size());
        return logged;
    }
}
