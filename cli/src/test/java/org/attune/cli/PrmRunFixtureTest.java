package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.cli.command.ExitCodes;
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
import java.util.List;
import java.util.stream.Stream;

/// From a causal language model to a process reward model that judges GRPO's completions, by the
/// command line.
@Tag("fixtures-trl")
class PrmRunFixtureTest {
    @TempDir private Path folder;

    @Test
    void adapterIsWrittenMergedTrainedOnAndJudges() throws IOException {
        Path trl = Fixtures.fixture("trl");
        Path adapter = folder.resolve("adapter");
        assertEquals(0, prm(trl.resolve("model"), adapter, "use_peft=true"));
        JsonNode config = Recorded.json(adapter.resolve("adapter_config.json"));
        assertEquals("TOKEN_CLS", config.get("task_type").asText());
        assertEquals("[\"classifier\",\"score\"]", config.get("modules_to_save").toString());
        try (var file = SafeTensorsFile.open(adapter.resolve("adapter_model.safetensors"))) {
            assertTrue(file.entries().containsKey("base_model.model.score.weight"));
            assertTrue(file.entries().containsKey("base_model.model.score.bias"));
        }
        JsonNode separator = Recorded.json(adapter.resolve("process_reward.json"));
        assertEquals(" ## ", separator.get("step_separator").asText());
        assertTrue(
                Files.readString(adapter.resolve("README.md"))
                        .contains("AutoModelForTokenClassification.from_pretrained("));
        JsonNode heldout = Recorded.json(adapter.resolve("summary.json")).get("heldout");
        assertEquals("eval_accuracy", heldout.get("metric").asText());
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
        assertEquals(0, prm(merged, folder.resolve("again"), "use_peft=false"));
        requireScorer(folder.resolve("again"));
        judges(adapter, merged);
    }

    private void judges(Path adapter, Path merged) throws IOException {
        Path trl = Fixtures.fixture("trl");
        Path run = folder.resolve("grpo.yaml");
        Path output = folder.resolve("grpo");
        Files.writeString(
                run,
                """
                model_name_or_path: %s
                datasets: %s
                reward_funcs:
                  - %s
                  - {model: %s, aggregation: product, label: all_steps, weight: 0.5}
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
                                RecordedRun.first("parity", "reward").data(),
                                adapter,
                                merged,
                                output));
        assertEquals(0, Main.run("grpo", run.toString()));
        String metrics = Files.readString(output.resolve("metrics.jsonl"));
        JsonNode first = new ObjectMapper().readTree(metrics.lines().findFirst().orElseThrow());
        double weakest = first.get("rewards/adapter/mean").asDouble();
        double all = first.get("rewards/all_steps/mean").asDouble();
        assertTrue(weakest > 0 && weakest < 1, metrics);
        assertTrue(all > 0 && all <= weakest + 1e-6, metrics);
        assertEquals(weakest + 0.5 * all, first.get("reward").asDouble(), 1e-6);
    }

    @Test
    void rowsAndModelsOfOtherKindsAreRefused() throws IOException {
        RecordedRun pairs = RecordedRun.first("parity", "reward");
        RecordedRun steps = RecordedRun.first("older", "prm");
        String rows = refusal(pairs.root().resolve("model"), pairs.data());
        assertTrue(rows.contains("stepwise_supervision (prompt, completions, labels)"), rows);
        String model = refusal(pairs.model(), steps.data());
        assertTrue(
                model.contains("is a sequence-classification model with 1 label; a process reward"),
                model);
        String adapter =
                refusal(
                        pairs.model(),
                        steps.data(),
                        "adapter_name_or_path=" + pairs.root().resolve("adapter-start-reward"));
        assertTrue(adapter.contains("has task_type SEQ_CLS, a process reward model"), adapter);
    }

    private String refusal(Path model, Path data, String... more) throws IOException {
        Path run = folder.resolve("refused.yaml");
        Files.writeString(
                run,
                "model_name_or_path: %s\ndatasets: %s\noutput_dir: %s\ndevice: cpu\n"
                        .formatted(model, data, folder.resolve("refused")));
        var err = new StringWriter();
        int code =
                Main.commandLine(new PrintWriter(new StringWriter()), new PrintWriter(err))
                        .execute(
                                Stream.concat(Stream.of("prm", run.toString()), Stream.of(more))
                                        .toArray(String[]::new));
        assertTrue(code != ExitCodes.DONE, err.toString());
        return err.toString();
    }

    /// A run with the settings and rows of a recorded one, but another separator.
    private int prm(Path model, Path output, String how) {
        RecordedRun recorded = RecordedRun.first("older", "prm");
        return recorded.start(
                folder,
                output,
                List.of(
                        how,
                        "model_name_or_path=" + model,
                        "eval_datasets=" + recorded.data(),
                        "step_separator=' ## '"));
    }

    private static void requireScorer(Path folder) {
        JsonNode config = Recorded.json(folder.resolve("config.json"));
        assertEquals("LlamaForTokenClassification", config.get("architectures").get(0).asText());
        assertEquals("{\"0\":\"LABEL_0\",\"1\":\"LABEL_1\"}", config.get("id2label").toString());
        assertTrue(Files.exists(folder.resolve("process_reward.json")), folder.toString());
        try (var file = SafeTensorsFile.open(folder)) {
            assertTrue(file.entries().containsKey("score.weight"));
            assertTrue(file.entries().containsKey("score.bias"));
            assertFalse(file.entries().containsKey("lm_head.weight"));
        }
    }
}
