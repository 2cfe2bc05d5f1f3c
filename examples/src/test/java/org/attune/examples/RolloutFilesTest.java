package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.examples.quickstart.TinyModel;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Completions through files: a recorded run that is replayed, and `attune generate` over a file
/// of prompts, interrupted and continued. On a model of the embedded model's form.
final class RolloutFilesTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir static Path folder;
    private static Path model;

    @BeforeAll
    static void writeModelAndData() throws IOException {
        model = Files.createDirectories(folder.resolve("model"));
        new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(1L));
        List<String> prompts = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            prompts.add(
                    "{\"id\": %d, \"prompt\": \"Write \\\"%d\\\" backwards.\"}".formatted(i, i));
        }
        Files.write(folder.resolve("prompts.jsonl"), prompts);
        Files.write(
                folder.resolve("few.jsonl"),
                prompts.stream()
                        .limit(40)
                        .map(p -> p.replace("}", ", \"answer\": \"1\"}"))
                        .toList());
    }

    private static Path grpo(String name, String... more) {
        Path out = folder.resolve(name);
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "grpo",
                                Path.of(
                                                System.getProperty("attune.root", ".."),
                                                "examples/quickstart/grpo.yaml")
                                        .toString(),
                                "model_name_or_path=" + model,
                                "datasets=" + folder.resolve("few.jsonl"),
                                "output_dir=" + out,
                                "per_device_train_batch_size=8",
                                "gradient_accumulation_steps=2",
                                "num_generations=4",
                                "num_iterations=2",
                                "beta=0.05",
                                "logging_steps=1",
                                "eval_datasets=[]", // a recording judges no others
                                "max_steps=5"));
        arguments.addAll(List.of(more));
        assertEquals(0, Main.run(arguments.toArray(String[]::new)));
        return out;
    }

    /// A reward that a random model gets now and then.
    private static final String REWARD =
            "reward_funcs={name: regex, pattern: '[a-m]', weight: 0.5}";

    private static List<String> losses(Path out) throws IOException {
        return logs(out).stream()
                .map(log -> log.get("loss") + " " + log.get("reward") + " " + log.get("kl"))
                .toList();
    }

    @Tag("thorough")
    @Test
    void aReplayedRunGivesTheSameLossesAndTheSameAdapter() throws IOException {
        Path record = folder.resolve("record.jsonl");
        Path run = grpo("run", REWARD, "record_rollouts=" + record);
        Path replay = grpo("replay", "reward_funcs=[]", "recorded_rollouts=" + record);
        Path judged = grpo("judged", REWARD, "recorded_rollouts=" + record);
        assertEquals(5, losses(run).size());
        assertEquals(losses(run), losses(replay));
        assertEquals(losses(run), losses(judged));
        byte[] adapter = Files.readAllBytes(run.resolve("adapter_model.safetensors"));
        for (Path other : List.of(replay, judged)) {
            assertArrayEquals(
                    adapter, Files.readAllBytes(other.resolve("adapter_model.safetensors")));
        }
        Path another = grpo("another", REWARD, "seed=2");
        assertFalse(losses(run).equals(losses(another)), "the losses say something");
    }

    @Tag("thorough")
    @Test
    void whatGenerationComputedServesAsTheForwardPass() throws IOException {
        Path wide = Files.createDirectories(folder.resolve("wide"));
        // Heads of 32, which the kernels take on any processor.
        new TinyModel(64, 2, 2).write(wide, RandomSource.XO_SHI_RO_256_PP.create(1L));
        String[] keys = {REWARD, "model_name_or_path=" + wide, "num_iterations=1", "", ""};
        keys[3] = "max_completion_length=20";
        keys[4] = "reuse_rollout_activations=true";
        Path reusing = grpo("reusing", keys);
        keys[4] = "reuse_rollout_activations=false";
        Path computing = grpo("computing", keys);
        assertFalse(Arrays.equals(adapter(reusing), adapter(computing)), "it differs by rounding");
        keys[2] = "num_iterations=2"; // of no use there
        Path twice = grpo("twice", keys);
        keys[4] = "reuse_rollout_activations=true";
        assertArrayEquals(adapter(twice), adapter(grpo("twice-asked", keys)));

        List<JsonNode> of = logs(reusing);
        List<JsonNode> with = logs(computing);
        assertEquals(5, of.size());
        for (int i = 0; i < of.size(); i++) {
            for (String metric : List.of("reward", "loss", "grad_norm", "entropy")) {
                double expected = with.get(i).get(metric).asDouble();
                assertEquals(
                        expected,
                        of.get(i).get(metric).asDouble(),
                        1e-5 + 1e-4 * Math.abs(expected),
                        metric + " of step " + (i + 1));
            }
        }
    }

    private static byte[] adapter(Path out) throws IOException {
        return Files.readAllBytes(out.resolve("adapter_model.safetensors"));
    }

    private static List<JsonNode> logs(Path out) throws IOException {
        List<JsonNode> logs = new ArrayList<>();
        for (String line : Files.readAllLines(out.resolve("metrics.jsonl"))) {
            JsonNode log = JSON.readTree(line);
            if (log.has("loss")) {
                logs.add(log);
            }
        }
        return logs;
    }

    /// @param more options, each over the one of the same name here
    private static int generate(Path out, String... more) {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("--model", model.toString());
        options.put("--prompts", folder.resolve("prompts.jsonl").toString());
        options.put("--out", out.toString());
        options.put("--temperature", "1");
        options.put("--max-new-tokens", "3");
        for (String option : more) {
            String[] parts = option.split("=", 2);
            options.put(parts[0], parts.length == 2 ? parts[1] : "");
        }
        List<String> arguments = new ArrayList<>(List.of("generate"));
        options.forEach(
                (name, value) -> arguments.add(value.isEmpty() ? name : name + "=" + value));
        return Main.run(arguments.toArray(String[]::new));
    }

    @Test
    void previewShowsPromptsAndWhatRewardsRead() throws IOException {
        Path yaml = folder.resolve("run.yaml");
        String start =
                "model_name_or_path: %s\ndatasets: %s\noutput_dir: out\n"
                        .formatted(model, folder.resolve("few.jsonl"));
        Files.writeString(yaml, start + "reward_funcs: exact_answer\n");
        assertEquals(0, Main.run("preview", yaml.toString()));
        Files.writeString(yaml, start + "reward_funcs: accuracy_reward\n");
        assertEquals(2, Main.run("preview", yaml.toString()), "there is no column solution");
    }

    @Test
    void aFileOfPromptsIsContinuedAsIfItHadNeverStopped() throws IOException {
        Path out = folder.resolve("out.jsonl");
        assertEquals(0, generate(out));
        List<String> lines = Files.readAllLines(out);
        assertEquals(300, lines.size());
        for (int i = 0; i < lines.size(); i++) {
            JsonNode line = JSON.readTree(lines.get(i));
            assertEquals(i, line.get("id").asInt());
            assertTrue(line.get("completion").isTextual());
            assertTrue(List.of("stop", "length").contains(line.get("finish_reason").asText()));
            assertTrue(line.get("prompt_tokens").asInt() > 5);
            assertTrue(line.get("completion_tokens").asInt() <= 3);
        }
        byte[] whole = Files.readAllBytes(out);
        // In the middle of a line, in either block; and in the middle of the first line.
        for (int length : new int[] {whole.length / 3, whole.length - 700, 20}) {
            Files.write(out, Arrays.copyOf(whole, length));
            assertEquals(0, generate(out));
            assertArrayEquals(whole, Files.readAllBytes(out), "cut at " + length);
        }
    }

    @Test
    void anotherSettingDoesNotContinueAFile() throws IOException {
        Path out = folder.resolve("settings.jsonl");
        String few = "--prompts=" + folder.resolve("few.jsonl");
        assertEquals(0, generate(out, few, "--n=2", "--logprobs"));
        String before = Files.readString(out);
        JsonNode line = JSON.readTree(before.lines().findFirst().orElseThrow());
        assertEquals(2, line.get("completions").size());
        assertEquals(2, line.get("finish_reasons").size());
        for (int g = 0; g < 2; g++) {
            int tokens = line.get("completion_tokens").get(g).asInt();
            assertEquals(tokens, line.get("logprobs").get(g).size());
            assertEquals(tokens, line.get("completion_ids").get(g).size());
            assertTrue(line.get("logprobs").get(g).get(0).asDouble() < 0);
        }
        assertEquals(2, generate(out, few, "--n=2"));
        assertEquals(2, generate(out, few, "--n=2", "--logprobs", "--seed=7"));
        assertEquals(2, generate(out, few, "--n=2", "--logprobs", "--system=Be brief."));
        assertEquals(before, Files.readString(out));
        Files.delete(folder.resolve("settings.jsonl.meta.json"));
        assertEquals(2, generate(out, few, "--n=2", "--logprobs"));
        assertEquals(2, generate(folder.resolve("greedy.jsonl"), few, "--n=2", "--temperature=0"));
    }

    @Test
    void linesOfTextAndConversationsAreCompleted() throws IOException {
        Path text = Files.writeString(folder.resolve("p.txt"), "Write \"1\"\n\nWrite \"2\"\n");
        Path chat = folder.resolve("chat.jsonl");
        Files.writeString(
                chat, "{\"messages\": [{\"role\": \"user\", \"content\": \"Write \\\"1\\\"\"}]}\n");
        Path texts = folder.resolve("texts.jsonl");
        Path chats = folder.resolve("chats.jsonl");
        String greedy = "--temperature=0";
        assertEquals(0, generate(texts, "--prompts=" + text, greedy));
        assertEquals(0, generate(chats, "--prompts=" + chat, greedy));
        JsonNode first = JSON.readTree(Files.readAllLines(texts).getFirst());
        JsonNode asked = JSON.readTree(Files.readAllLines(chats).getFirst());
        assertEquals(2, Files.readAllLines(texts).size());
        assertEquals("Write \"1\"", first.get("text").asText());
        assertTrue(asked.get("messages").isArray(), "columns stay as they are");
        assertEquals(first.get("completion"), asked.get("completion"));
        Files.writeString(chat, "{\"question\": \"1\"}\n");
        assertEquals(1, generate(folder.resolve("none.jsonl"), "--prompts=" + chat));
    }
}
