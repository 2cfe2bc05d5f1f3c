package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.examples.quickstart.TinyModel;
import org.attune.reward.task.Split;
import org.attune.reward.task.Task;
import org.attune.reward.task.TaskRows;
import org.attune.reward.task.Tasks;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.report.HeldOutRow;
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
import java.util.stream.IntStream;

/// The shipped recipes and programs run: two steps each, through the command line, on a model and
/// data of the embedded model's form.
final class RecipesTest {
    @TempDir static Path folder;
    private static Path model;

    @BeforeAll
    static void writeModelAndData() throws IOException {
        model = Files.createDirectories(folder.resolve("model"));
        new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(1L));
        Task task = Tasks.of("reversal", "easy");
        TaskRows.writeCompletions(
                folder.resolve("sft.jsonl"),
                task.generate(1, 64, Split.TRAIN),
                0.5,
                RandomSource.XO_SHI_RO_256_PP.create(2L));
        TaskRows.writeCompletions(
                folder.resolve("sft-heldout.jsonl"),
                task.generate(1, 8, Split.HELD_OUT),
                0.5,
                RandomSource.XO_SHI_RO_256_PP.create(3L));
        TaskRows.writePairs(folder.resolve("pairs.jsonl"), task.generate(2, 48, Split.TRAIN));
        TaskRows.writePairs(
                folder.resolve("pairs-heldout.jsonl"), task.generate(2, 8, Split.HELD_OUT));
        TaskRows.writePrompts(folder.resolve("prompts.jsonl"), task.generate(3, 32, Split.TRAIN));
    }

    private static String recipe(String name) {
        return Path.of(System.getProperty("attune.root", ".."), "examples", name).toString();
    }

    private static Path out(String recipe) {
        return folder.resolve(recipe.replace('/', '-'));
    }

    private JsonNode run(String command, String recipe, String data, String... more)
            throws IOException {
        assertEquals(0, exitCode(command, recipe, data, more));
        return new ObjectMapper().readTree(out(recipe).resolve("summary.json").toFile());
    }

    private static int exitCode(String command, String recipe, String data, String... more) {
        var arguments =
                new ArrayList<>(
                        List.of(
                                command,
                                recipe(recipe),
                                "model_name_or_path=" + model,
                                "datasets=" + folder.resolve(data + ".jsonl"),
                                "output_dir=" + out(recipe),
                                "max_steps=2"));
        arguments.addAll(List.of(more));
        return Main.run(arguments.toArray(String[]::new));
    }

    @Tag("thorough")
    @Test
    void embeddedModelSft() throws IOException {
        String heldOut = "eval_datasets=" + folder.resolve("sft-heldout.jsonl");
        JsonNode summary = run("sft", "model/sft.yaml", "sft", heldOut);
        JsonNode heldout = summary.path("heldout");
        assertEquals(8, heldout.path("n").asInt());
        assertTrue(heldout.path("after").asDouble() < heldout.path("before").asDouble());
    }

    @Tag("thorough")
    @Test
    void quickstartDpo() throws IOException {
        String heldOut = "eval_datasets=" + recipe("quickstart/pairs-heldout.jsonl");
        String writes = "model_name_or_path=" + recipe("model");
        JsonNode summary = run("dpo", "quickstart/dpo.yaml", "pairs", heldOut, writes);
        assertEquals("eval_preference_accuracy", summary.at("/heldout/metric").asText());
        assertEquals(0.5, summary.at("/heldout/before").asDouble());
        assertEquals(2, summary.path("steps").asInt());
        List<HeldOutRow> rows =
                HeldOutRow.read(out("quickstart/dpo.yaml").resolve("heldout.jsonl"));
        for (HeldOutRow row : rows.subList(0, 4)) {
            assertTrue(row.prompt().contains("Sort ascending"), row.prompt());
            assertEquals(List.of("chosen", "rejected"), List.copyOf(row.given().keySet()));
            assertTrue(row.before().orElseThrow().completion().matches("[0-9 ]+"), "" + row);
            assertTrue(row.after().orElseThrow().completion().matches("[0-9 ]+"), "" + row);
        }
    }

    private static JsonNode quickstart(String method, Path out) throws IOException {
        assertEquals(
                0,
                Main.run(
                        method,
                        recipe("quickstart/%s.yaml".formatted(method)),
                        "model_name_or_path=" + recipe("model"),
                        "datasets=" + recipe("quickstart/prompts.jsonl"),
                        "eval_datasets=" + recipe("quickstart/heldout.jsonl"),
                        "output_dir=" + out,
                        "per_device_train_batch_size=16",
                        "max_steps=2"));
        return new ObjectMapper().readTree(out.resolve("summary.json").toFile());
    }

    @Test
    void tooLittleMemoryIsRefusedBeforeTheFirstStep() {
        String[] little = {"max_memory=10MiB", "output_dir=" + folder.resolve("little")};
        assertEquals(2, exitCode("dpo", "quickstart/dpo.yaml", "pairs", little));
        assertTrue(Files.notExists(folder.resolve("little/adapter_model.safetensors")));
        assertEquals(2, exitCode("dpo", "quickstart/dpo.yaml", "pairs", "max_memory=much"));
    }

    /// On the embedded model itself, whose likeliest answer is right for a quarter of the held-out
    /// problems; sampled answers are for a third.
    @Tag("thorough")
    @Test
    void quickstartGrpo() throws IOException {
        Path out = folder.resolve("grpo");
        JsonNode summary = quickstart("grpo", out);
        assertEquals("eval_reward", summary.at("/heldout/metric").asText());
        assertEquals(400, summary.at("/heldout/n").asInt());
        assertEquals(0.245, summary.at("/heldout/before").asDouble(), 0.03);
        assertTrue(Files.exists(out.resolve("completions/completions_00002.parquet")));
        assertTrue(Files.exists(out.resolve("reward.png")));
    }

    @Tag("thorough")
    @Test
    void quickstartPpo() throws IOException {
        Path out = folder.resolve("ppo");
        JsonNode summary = quickstart("ppo", out);
        assertEquals(0.245, summary.at("/heldout/before").asDouble(), 0.03);
        assertTrue(Files.exists(out.resolve("value_model/adapter_model.safetensors")));
    }

    @Tag("thorough")
    @Test
    void quickstartOnlineDpo() throws IOException {
        JsonNode summary = quickstart("online_dpo", folder.resolve("online_dpo"));
        assertEquals("eval_reward", summary.at("/heldout/metric").asText());
        assertEquals(0.245, summary.at("/heldout/before").asDouble(), 0.03);
    }

    @Test
    void smollm2Sft() throws IOException {
        assertEquals(2, run("sft", "recipes/smollm2-sft.yaml", "sft").path("steps").asInt());
    }

    /// A folder of plain text and of rows with a column of text.
    @Tag("thorough")
    @Test
    void smollm2Pretrain() throws IOException {
        Path corpus = Files.createDirectories(folder.resolve("corpus"));
        for (int file = 0; file < 12; file++) {
            Files.writeString(
                    corpus.resolve("book" + file + ".txt"),
                    ("Sort ascending: " + file + " 8 2\n\n1 2 3 4 5\n").repeat(9));
        }
        Files.writeString(corpus.resolve("more.jsonl"), "{\"text\": \"9 8 7\"}\n".repeat(4));
        JsonNode summary =
                run(
                        "sft",
                        "recipes/smollm2-pretrain.yaml",
                        "unused",
                        "datasets=[{path: " + corpus + ", sample_by: document}]",
                        "max_length=64",
                        "test_split_size=2");
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_loss", summary.at("/heldout/metric").asText());
        String[] lines = {"datasets=[{path: " + corpus + ", sample_by: chapter}]"};
        assertEquals(2, exitCode("sft", "recipes/smollm2-pretrain.yaml", "sft", lines));
        String[] rows = {
            "datasets=[{path: " + corpus.resolve("more.jsonl") + ", sample_by: document}]"
        };
        assertNotEquals(0, exitCode("sft", "recipes/smollm2-pretrain.yaml", "sft", rows));
    }

    @Tag("thorough")
    @Test
    void smollm2Adafactor() throws IOException {
        assertEquals(2, run("sft", "recipes/smollm2-adafactor.yaml", "sft").path("steps").asInt());
    }

    /// One step decides: the best checkpoint is the result.
    @Tag("thorough")
    @Test
    void smollm2Best() throws IOException {
        String[] often = {"eval_steps=1", "early_stopping_patience=1"};
        JsonNode summary = run("sft", "recipes/smollm2-best.yaml", "sft", often);
        assertEquals("eval_loss", summary.at("/heldout/metric").asText());
        JsonNode state =
                new ObjectMapper()
                        .readTree(
                                out("recipes/smollm2-best.yaml")
                                        .resolve("trainer_state.json")
                                        .toFile());
        assertEquals(state.path("best_metric").asDouble(), summary.at("/heldout/after").asDouble());
    }

    @Tag("thorough")
    @Test
    void smollm2Reward() throws IOException {
        JsonNode summary = run("reward", "recipes/smollm2-reward.yaml", "pairs");
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_preference_accuracy", summary.at("/heldout/metric").asText());
    }

    /// Judge and critic are the reward model's adapter, on the policy's weights.
    @Tag("thorough")
    @Test
    void smollm2Rlhf() throws IOException {
        run("reward", "recipes/smollm2-reward.yaml", "pairs");
        Path judge = out("recipes/smollm2-reward.yaml");
        String[] start = {"reward_model_path=" + judge, "value_model_path=" + judge};
        JsonNode summary = run("ppo", "recipes/smollm2-rlhf.yaml", "pairs", start);
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_reward", summary.at("/heldout/metric").asText());
        Path out = out("recipes/smollm2-rlhf.yaml");
        assertTrue(Files.exists(out.resolve("value_model/adapter_model.safetensors")));
    }

    @Tag("thorough")
    @Test
    void smollm2Prm() throws IOException {
        String row =
                "{\"prompt\": \"ab %d\", \"completions\": [\"a\", \"b\"], \"labels\": [true,"
                        + " false]}";
        Files.write(
                folder.resolve("steps.jsonl"),
                IntStream.range(0, 40).mapToObj(row::formatted).toList());
        JsonNode summary = run("prm", "recipes/smollm2-prm.yaml", "steps", "test_split_size=0.1");
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_accuracy", summary.at("/heldout/metric").asText());
    }

    /// Pairs become two rows each.
    @Tag("thorough")
    @Test
    void smollm2Bco() throws IOException {
        JsonNode summary = run("bco", "recipes/smollm2-bco.yaml", "pairs");
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_accuracy", summary.at("/heldout/metric").asText());
        assertEquals(0.5, summary.at("/heldout/before").asDouble(), "ties count half");
    }

    /// Likewise, and each micro-batch has rows of both labels.
    @Test
    void smollm2Kto() throws IOException {
        JsonNode summary = run("kto", "recipes/smollm2-kto.yaml", "pairs");
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_accuracy", summary.at("/heldout/metric").asText());
        assertEquals(0.5, summary.at("/heldout/before").asDouble(), "ties count half");
    }

    private static String teacher() throws IOException {
        Path teacher = Files.createDirectories(folder.resolve("teacher"));
        new TinyModel(48, 2, 2).write(teacher, RandomSource.XO_SHI_RO_256_PP.create(7L));
        return "teacher_model_name_or_path=" + teacher;
    }

    @Tag("thorough")
    @Test
    void smollm2Gkd() throws IOException {
        JsonNode summary =
                run("gkd", "recipes/smollm2-gkd.yaml", "sft", teacher(), "max_new_tokens=4");
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_loss", summary.at("/heldout/metric").asText());
    }

    @Tag("thorough")
    @Test
    void smollm2Distillation() throws IOException {
        String[] more = {teacher(), "max_completion_length=4"};
        JsonNode summary =
                run("distillation", "recipes/smollm2-distillation.yaml", "prompts", more);
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_loss", summary.at("/heldout/metric").asText());
    }

    @Tag("thorough")
    @Test
    void smollm2Orpo() throws IOException {
        JsonNode summary = run("orpo", "recipes/smollm2-orpo.yaml", "pairs");
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_preference_accuracy", summary.at("/heldout/metric").asText());
    }

    @Tag("thorough")
    @Test
    void smollm2Simpo() throws IOException {
        assertEquals(2, run("cpo", "recipes/smollm2-simpo.yaml", "pairs").path("steps").asInt());
    }

    @Tag("thorough")
    @Test
    void smollm2Tpo() throws IOException {
        String row =
                "{\"prompt\": \"ab %d\", \"chosen\": \"ba\", \"rejected\": \"c\", \"reference\":"
                        + " \"b, a\"}";
        Files.write(
                folder.resolve("triples.jsonl"),
                IntStream.range(0, 40).mapToObj(row::formatted).toList());
        assertEquals(2, run("tpo", "recipes/smollm2-tpo.yaml", "triples").path("steps").asInt());
    }

    @Tag("thorough")
    @Test
    void smollm2Dapo() throws IOException {
        JsonNode summary =
                run(
                        "grpo",
                        "recipes/smollm2-dapo.yaml",
                        "prompts",
                        "dynamic_sampling_max_batches=2");
        assertEquals(2, summary.path("steps").asInt());
    }

    @Tag("thorough")
    @Test
    void smollm2Rloo() throws IOException {
        JsonNode summary = run("rloo", "recipes/smollm2-rloo.yaml", "prompts");
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_reward", summary.at("/heldout/metric").asText());
    }

    @Tag("thorough")
    @Test
    void smollm2OnlineDpo() throws IOException {
        JsonNode summary = run("online_dpo", "recipes/smollm2-online-dpo.yaml", "prompts");
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_reward", summary.at("/heldout/metric").asText());
    }

    @Tag("thorough")
    @Test
    void smollm2Xpo() throws IOException {
        JsonNode summary = run("xpo", "recipes/smollm2-xpo.yaml", "prompts");
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_reward", summary.at("/heldout/metric").asText());
    }

    @Tag("thorough")
    @Test
    void smollm2NashMd() throws IOException {
        JsonNode summary = run("nash_md", "recipes/smollm2-nash-md.yaml", "prompts");
        assertEquals(2, summary.path("steps").asInt());
        assertEquals("eval_reward", summary.at("/heldout/metric").asText());
    }

    @Test
    void smollm2Dpo() throws IOException {
        assertEquals(2, run("dpo", "recipes/smollm2-dpo.yaml", "pairs").path("steps").asInt());
    }

    /// Each stage starts from the adapter of the one before.
    @Tag("thorough")
    @Test
    void chain() throws IOException {
        JsonNode sft = run("sft", "chain/sft.yaml", "sft");
        assertTrue(sft.at("/heldout/after").asDouble() < sft.at("/heldout/before").asDouble());

        String fromSft = "adapter_name_or_path=" + out("chain/sft.yaml");
        JsonNode dpo = run("dpo", "chain/dpo.yaml", "pairs", fromSft, "learning_rate=1e-3");
        // Policy and reference are the same adapter: no margin, and ties count half.
        assertEquals(0.5, dpo.at("/heldout/before").asDouble());
        assertNotEquals(-1, mismatch("chain/sft.yaml", "chain/dpo.yaml"));

        String fromDpo = "adapter_name_or_path=" + out("chain/dpo.yaml");
        // Answers of several digits, which the recipe's own reward does not judge.
        String exact = "reward_funcs=exact_answer";
        run("grpo", "chain/grpo.yaml", "prompts", fromDpo, exact, "learning_rate=0", "beta=0.1");
        assertEquals(-1, mismatch("chain/dpo.yaml", "chain/grpo.yaml"));
    }

    private static long mismatch(String recipe, String other) throws IOException {
        String weights = "adapter_model.safetensors";
        return Files.mismatch(out(recipe).resolve(weights), out(other).resolve(weights));
    }

    @Tag("thorough")
    @Test
    void keysThatAskForAnotherAdapterThanTheGivenOneAreRefused() throws IOException {
        run("sft", "recipes/smollm2-sft.yaml", "sft"); // rank 16, alpha 32 on all linear layers
        String given = "adapter_name_or_path=" + out("recipes/smollm2-sft.yaml");
        String recipe = "recipes/smollm2-dpo.yaml"; // the same
        assertEquals(0, exitCode("dpo", recipe, "pairs", given));
        assertEquals(2, exitCode("dpo", recipe, "pairs", given, "lora_r=8"));
        assertEquals(2, exitCode("dpo", recipe, "pairs", given, "lora_dropout=0.5"));
        assertEquals(2, exitCode("dpo", recipe, "pairs", given, "lora_target_modules=[q_proj]"));
        assertEquals(0, exitCode("dpo", recipe, "pairs", given, "lora_r=8", "use_peft=false"));
    }

    @Test
    void evalComparesTwoModelsOnATask() throws IOException {
        Path out = folder.resolve("eval.jsonl");
        Path other = Files.createDirectories(folder.resolve("other"));
        new TinyModel(32, 2, 2).write(other, RandomSource.XO_SHI_RO_256_PP.create(9L));
        assertEquals(
                0,
                Main.run(
                        "eval",
                        "--model=" + model,
                        "--against-model=" + other,
                        "--task=reversal",
                        "--n=5",
                        "--max-new-tokens=6",
                        "--temperature=1",
                        "--samples=3",
                        "--out=" + out));
        List<String> lines = Files.readAllLines(out);
        assertEquals(10, lines.size());
        JsonNode row = new ObjectMapper().readTree(lines.getLast());
        assertEquals(other.toString(), row.path("model").asText());
        assertTrue(row.path("prompt").asText().startsWith("Write \""), lines.getLast());
        assertEquals(3, row.path("completions").size());
        assertEquals(3, row.path("rewards").size());
    }

    @Test
    void evalReadsAFileWithColumnsOfOtherNames() throws IOException {
        Path data = folder.resolve("questions.jsonl");
        Files.writeString(
                data,
                """
                {"question": "1 + 1?", "solution": "2"}
                {"question": "2 + 2?", "solution": "4"}
                """);
        String[] arguments = {
            "eval",
            "--model=" + model,
            "--data=" + data,
            "--prompt-column=question",
            "--answer-column=solution",
            "--max-new-tokens=4"
        };
        assertEquals(2, Main.run(arguments)); // which verifier?
        String[] complete = Arrays.copyOf(arguments, arguments.length + 1);
        complete[arguments.length] = "--verifier=number";
        assertEquals(0, Main.run(complete));
    }

    @Test
    void tasksWritesRows() throws IOException {
        Path out = folder.resolve("task.jsonl");
        assertEquals(0, Main.run("tasks"));
        assertEquals(0, Main.run("tasks", "weekday", "--held-out", "--n=7", "--out=" + out));
        assertEquals(7, Files.readAllLines(out).size());
        assertEquals(2, Main.run("tasks", "weekdy", "--out=" + out));
    }

    @Test
    void dpoInJava() {
        Path out = folder.resolve("java");
        RunSummary summary =
                DpoInJava.train(model.toString(), folder.resolve("pairs.jsonl").toString(), out);
        assertTrue(summary.steps() > 0);
        assertTrue(Files.exists(out.resolve("adapter_model.safetensors")));
    }
}
