package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.cli.command.ExitCodes;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.testing.CaseReport;
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
import java.util.DoubleSummaryStatistics;
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
        RecordedRun recorded = RecordedRun.first("parity", "reward");
        Path run = folder.resolve("dpo.yaml");
        Files.writeString(
                run,
                "model_name_or_path: %s\ndatasets: %s\noutput_dir: %s\ndevice: cpu\n"
                        .formatted(recorded.model(), recorded.data(), folder.resolve("dpo")));
        var err = new StringWriter();
        int code =
                Main.commandLine(new PrintWriter(new StringWriter()), new PrintWriter(err))
                        .execute("dpo", run.toString());
        assertEquals(ExitCodes.FAILED, code, err.toString());
        assertTrue(err.toString().contains("scores sequences"), err.toString());
    }

    /// Each recorded run with its own settings, which are keys by the same names.
    @Test
    void runsAreThoseOfTrl() {
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            for (RecordedRun run : RecordedRun.all("parity", "reward")) {
                Path output = folder.resolve(run.name());
                report.run(
                        run.name(),
                        () -> {
                            assertEquals(0, run.start(folder, output));
                            List<JsonNode> expected = run.steps();
                            List<JsonNode> steps =
                                    RecordedRun.lines(output.resolve("metrics.jsonl"));
                            for (int i = 0; i < expected.size(); i++) {
                                compare(expected.get(i), steps.get(i), 5e-5, 1e-3);
                            }
                        });
            }
        }
    }

    /// Before their first step, recorded runs of all rows at once logged what the starting model
    /// makes of them.
    @Test
    void scoresAreThoseThatTrlLogged() {
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            for (RecordedRun run : RecordedRun.all("parity", "reward")) {
                boolean whole =
                        run.config().get("per_device_train_batch_size").asInt()
                                        >= run.config().get("rows").asInt()
                                && run.config().get("rows_used").equals(run.config().get("rows"));
                if (whole && !run.config().get("adapter").isTextual()) {
                    report.run(run.name(), () -> compareScores(run));
                } else {
                    report.elsewhere();
                }
            }
        }
    }

    private void compareScores(RecordedRun run) {
        Path out = folder.resolve("scores.jsonl");
        assertEquals(
                0,
                Main.run(
                        "score",
                        "--dtype=float32",
                        "--model=" + run.model(),
                        "--data=" + run.data(),
                        "--out=" + out));
        List<JsonNode> rows = RecordedRun.lines(out);
        assertEquals(run.config().get("rows").asInt(), rows.size());
        var scores = new DoubleSummaryStatistics();
        double margin = 0;
        double right = 0;
        for (JsonNode row : rows) {
            double chosen = row.get("score_chosen").asDouble();
            double rejected = row.get("score_rejected").asDouble();
            scores.accept(chosen);
            scores.accept(rejected);
            margin += (chosen - rejected) / rows.size();
            right += chosen > rejected ? 1.0 / rows.size() : 0;
        }
        JsonNode first = run.steps().getFirst();
        assertEquals(first.get("min_reward").asDouble(), scores.getMin(), 2e-5);
        assertEquals(first.get("mean_reward").asDouble(), scores.getAverage(), 2e-5);
        assertEquals(first.get("max_reward").asDouble(), scores.getMax(), 2e-5);
        assertEquals(first.get("margin").asDouble(), margin, 2e-5);
        assertEquals(first.get("accuracy").asDouble(), right, 1e-9);
    }

    /// To the fixtures' tolerances of later steps.
    private static void compare(JsonNode expected, JsonNode step, double absolute, double norm) {
        expected.forEachEntry(
                (key, value) -> {
                    double want = value.asDouble();
                    double tolerance =
                            key.equals("grad_norm")
                                    ? norm * Math.abs(want)
                                    : absolute + 2e-4 * Math.abs(want);
                    assertTrue(step.has(key), key);
                    assertEquals(
                            want,
                            step.get(key).asDouble(),
                            tolerance,
                            key + " of step " + expected.get("step"));
                });
    }

    @Test
    void rewardModelsJudgeCompletions() throws IOException {
        RecordedRun recorded = RecordedRun.first("parity", "reward");
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
                                recorded.root().resolve("model"),
                                recorded.data(),
                                recorded.model(),
                                output));
        assertEquals(0, Main.run("grpo", run.toString()));
        String metrics = Files.readString(output.resolve("metrics.jsonl"));
        String judge = recorded.model().getFileName().toString();
        assertTrue(metrics.contains("rewards/" + judge + "/mean"), metrics);
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
                                    RecordedRun.first("parity", "reward").data(),
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
                                RecordedRun.first("parity", "reward").data(),
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

    /// A run with the settings and rows of a recorded one, which has margins if there is such one.
    private int reward(Path model, Path output, String... how) {
        List<RecordedRun> all = RecordedRun.all("parity", "reward");
        RecordedRun recorded =
                all.stream().filter(r -> r.hasColumn("margin")).findFirst().orElse(all.getFirst());
        var arguments = new ArrayList<>(List.of(how));
        arguments.add("model_name_or_path=" + model);
        arguments.add("eval_datasets=" + recorded.data());
        return recorded.start(folder, output, arguments);
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
