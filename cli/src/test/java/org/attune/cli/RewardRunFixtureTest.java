package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/// From a causal language model to a reward model, by the command line.
@Tag("fixtures-trl")
class RewardRunFixtureTest {
    @TempDir private Path folder;

    @Test
    void adapterWithAHeadIsWrittenAndMerged() throws IOException {
        Path trl = Fixtures.fixture("trl");
        Path adapter = folder.resolve("adapter");
        assertEquals(0, reward(trl.resolve("model"), adapter, "use_peft=true"));
        JsonNode config = Recorded.json(adapter.resolve("adapter_config.json"));
        assertEquals("SEQ_CLS", config.get("task_type").asText());
        assertEquals("[\"classifier\",\"score\"]", config.get("modules_to_save").toString());
        try (var file = SafeTensorsFile.open(adapter.resolve("adapter_model.safetensors"))) {
            assertTrue(file.entries().containsKey("base_model.model.score.weight"));
        }
        JsonNode heldout = Recorded.json(adapter.resolve("summary.json")).get("heldout");
        assertEquals("eval_preference_accuracy", heldout.get("metric").asText());
        Path merged = folder.resolve("merged");
        assertEquals(
                0,
                Main.run(
                        "merge",
                        "--model",
                        trl.resolve("model").toString(),
                        "--adapter",
                        adapter.toString(),
                        "--output",
                        merged.toString()));
        requireScorer(merged);
        assertEquals(0, reward(merged, folder.resolve("again"), "use_peft=false"));
        requireScorer(folder.resolve("again"));
    }

    @Test
    void rewardModelsAreNotTrainedOnText() throws IOException {
        Path trl = Fixtures.fixture("trl");
        Path run = folder.resolve("dpo.yaml");
        Files.writeString(
                run,
                "model_name_or_path: %s\ndatasets: %s\noutput_dir: %s\ndevice: cpu\n"
                        .formatted(
                                trl.resolve("reward-model"),
                                trl.resolve("parity/reward/data.jsonl"),
                                folder.resolve("dpo")));
        var err = new StringWriter();
        int code =
                Main.commandLine(new PrintWriter(new StringWriter()), new PrintWriter(err))
                        .execute("dpo", run.toString());
        assertEquals(ExitCodes.FAILED, code, err.toString());
        assertTrue(err.toString().contains("scores sequences"), err.toString());
    }

    /// Recorded from transformers' AutoModelForSequenceClassification, on each side by itself.
    @Test
    void scoresAreThoseOfTransformers() throws IOException {
        double[][] recorded = {
            {0.367686003446579, 0.09959465265274048},
            {0.6015490293502808, 1.0150753259658813},
            {0.9276961088180542, -0.27616631984710693},
            {-0.21217837929725647, -0.26627668738365173},
            {0.9168166518211365, 0.49001628160476685},
            {0.6972758173942566, 0.6937558650970459}
        };
        Path trl = Fixtures.fixture("trl");
        Path out = folder.resolve("scores.jsonl");
        assertEquals(
                0,
                Main.run(
                        "score",
                        "--dtype=float32",
                        "--model=" + trl.resolve("reward-model"),
                        "--data=" + trl.resolve("parity/reward/data.jsonl"),
                        "--split=train[:6]",
                        "--out=" + out));
        List<String> lines = Files.readAllLines(out);
        assertEquals(recorded.length, lines.size());
        for (int i = 0; i < recorded.length; i++) {
            JsonNode row = new ObjectMapper().readTree(lines.get(i));
            assertEquals(recorded[i][0], row.get("score_chosen").asDouble(), 1e-5);
            assertEquals(recorded[i][1], row.get("score_rejected").asDouble(), 1e-5);
        }
    }

    @Test
    void rewardModelsJudgeCompletions() throws IOException {
        Path trl = Fixtures.fixture("trl");
        Path run = folder.resolve("grpo.yaml");
        Path output = folder.resolve("grpo");
        Files.writeString(
                run,
                """
                model_name_or_path: %s
                datasets: %s
                reward_funcs: [%s, {name: length, max: 5}]
                reward_weights: [1, 0.5]
                output_dir: %s
                device: cpu
                dtype: float32
                max_steps: 1
                logging_steps: 1
                max_completion_length: 8
                num_generations: 4
                per_device_train_batch_size: 8
                """
                        .formatted(
                                trl.resolve("model"),
                                trl.resolve("parity/reward/data.jsonl"),
                                trl.resolve("reward-model"),
                                output));
        assertEquals(0, Main.run("grpo", run.toString()));
        String metrics = Files.readString(output.resolve("metrics.jsonl"));
        assertTrue(metrics.contains("rewards/reward-model/mean"), metrics);
        assertTrue(metrics.contains("rewards/length/mean"), metrics);
    }

    @Test
    void rewardAdaptersJudgeAsTheirMergedModelsDo() throws IOException {
        Path model = Fixtures.fixture("trl/model");
        Path adapter = folder.resolve("adapter");
        Path merged = folder.resolve("merged");
        assertEquals(0, reward(model, adapter, "use_peft=true"));
        assertEquals(
                0,
                Main.run(
                        "merge",
                        "--model",
                        model.toString(),
                        "--adapter",
                        adapter.toString(),
                        "--output",
                        merged.toString()));
        for (boolean peft : new boolean[] {true, false}) {
            Path output = folder.resolve("grpo-" + peft);
            Path run = folder.resolve("grpo.yaml");
            Files.writeString(
                    run,
                    """
                    model_name_or_path: %s
                    use_peft: %s
                    datasets: %s
                    reward_funcs: [%s, %s]
                    output_dir: %s
                    device: cpu
                    dtype: float32
                    max_steps: 3
                    learning_rate: 1e-2
                    logging_steps: 1
                    max_completion_length: 8
                    num_generations: 4
                    per_device_train_batch_size: 8
                    """
                            .formatted(
                                    model,
                                    peft,
                                    Fixtures.fixture("trl/parity/reward/data.jsonl"),
                                    adapter,
                                    merged,
                                    output));
            assertEquals(0, Main.run("grpo", run.toString()));
            List<String> lines = Files.readAllLines(output.resolve("metrics.jsonl"));
            for (String line : lines.subList(0, 3)) {
                JsonNode step = new ObjectMapper().readTree(line);
                assertEquals(
                        step.get("rewards/merged/mean").asDouble(),
                        step.get("rewards/adapter/mean").asDouble(),
                        1e-5,
                        line);
            }
        }
    }

    @Test
    void runsResumeWithTheSameJudgeOnly() throws IOException {
        Path model = Fixtures.fixture("trl/model");
        Path judge = folder.resolve("judge");
        assertEquals(0, reward(model, judge, "use_peft=true"));
        assertEquals(0, reward(model, folder.resolve("other"), "use_peft=true", "seed=7"));
        Path output = folder.resolve("grpo");
        Path run = folder.resolve("grpo.yaml");
        Files.writeString(
                run,
                """
                model_name_or_path: %s
                use_peft: true
                datasets: %s
                reward_funcs: %s
                output_dir: %s
                device: cpu
                dtype: float32
                max_steps: 2
                save_steps: 1
                max_completion_length: 8
                num_generations: 4
                per_device_train_batch_size: 8
                """
                        .formatted(
                                model,
                                Fixtures.fixture("trl/parity/reward/data.jsonl"),
                                judge,
                                output));
        assertEquals(0, Main.run("grpo", run.toString()));
        assertEquals(
                0, Main.run("grpo", run.toString(), "resume=" + output.resolve("checkpoint-1")));
        Path weights = Path.of("adapter_model.safetensors");
        Files.copy(
                folder.resolve("other").resolve(weights),
                judge.resolve(weights),
                StandardCopyOption.REPLACE_EXISTING);
        var err = new StringWriter();
        int code =
                Main.commandLine(new PrintWriter(new StringWriter()), new PrintWriter(err))
                        .execute(
                                "grpo", run.toString(), "resume=" + output.resolve("checkpoint-1"));
        assertEquals(ExitCodes.FAILED, code, err.toString());
        assertTrue(err.toString().contains("reward model judge (fingerprint)"), err.toString());
    }

    private int reward(Path model, Path output, String... how) {
        Path data = Fixtures.fixture("trl/parity/reward-margin/data.jsonl");
        try {
            Path run = folder.resolve("reward.yaml");
            Files.writeString(
                    run,
                    """
                    model_name_or_path: %s
                    datasets: %s
                    eval_datasets: %s
                    output_dir: %s
                    device: cpu
                    dtype: float32
                    max_steps: 2
                    logging_steps: 1
                    """
                            .formatted(model, data, data, output));
            var arguments = new ArrayList<>(List.of("reward", run.toString()));
            arguments.addAll(List.of(how));
            return Main.run(arguments.toArray(String[]::new));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void requireScorer(Path folder) {
        JsonNode config = Recorded.json(folder.resolve("config.json"));
        assertEquals("LlamaForSequenceClassification", config.get("architectures").get(0).asText());
        assertEquals("{\"0\":\"LABEL_0\"}", config.get("id2label").toString());
        try (var file = SafeTensorsFile.open(folder)) {
            assertTrue(file.entries().containsKey("score.weight"));
            assertFalse(file.entries().containsKey("lm_head.weight"));
        }
    }
}
