package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.error.ConfigException;
import org.attune.examples.quickstart.TinyModel;
import org.attune.hub.HubDownload;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.policy.HeadRequest;
import org.attune.policy.Policy;
import org.attune.policy.TokenForest;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.trainers.judges.LocalJudge;
import org.attune.trainers.judges.LocalJudgeEntry;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Language models as judges by the probabilities of their answers, on a model of the embedded
/// model's form.
final class LocalJudgeTest {
    private static final String PROMPT = "{{prompt}}: {{completion}}? {{answer}}. {{format}}";

    @TempDir static Path folder;
    private static Path model;

    @BeforeAll
    static void writeModelAndData() throws IOException {
        model = Files.createDirectories(folder.resolve("model"));
        new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(1L));
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            rows.add("{\"prompt\": \"Write %d.\", \"answer\": \"%d\"}".formatted(i, i));
        }
        Files.write(folder.resolve("rows.jsonl"), rows);
    }

    private static LocalJudgeEntry entry(Map<String, Object> judge) {
        return LocalJudgeEntry.of(Map.of("judge", judge), folder, "reward_funcs[0]");
    }

    @Test
    void theRewardIsTheExpectationOverTheAnswers() {
        var batch =
                new RewardBatch(
                        List.of(new Prompt("Write 1.", List.of()), new Prompt("W", List.of())),
                        List.of(
                                new Completion("one", new int[] {1}, List.of()),
                                new Completion("two", new int[] {1}, List.of())),
                        Map.of("answer", List.of("1", "2")));
        Map<String, Object> judge =
                Map.of("model", model.toString(), "prompt", PROMPT, "scale", "0..9");
        var like = ModelConfig.of(model.toString());
        var hub = HubDownload.cache();
        double[] rewards =
                Engine.call(
                        () -> {
                            try (var opened = LocalJudge.open(entry(judge), like, hub)) {
                                return opened.score(batch);
                            }
                        });
        String end = ". Answer with one whole number from 0 (worst) to 9 (best), and nothing else.";
        assertEquals(alone("Write 1.: one? 1" + end), rewards[0], 1e-4);
        assertEquals(alone("W: two? 2" + end), rewards[1], 1e-4);
        assertNotEquals(rewards[0], rewards[1], 1e-9);
    }

    /// Each answer in a separate pass.
    private static double alone(String question) {
        return Engine.call(
                () -> {
                    var hub = HubDownload.cache();
                    try (var setup = ModelSetup.open(ModelConfig.of(model.toString()), hub);
                            var decoder = setup.loadAsIs()) {
                        int[] prompt = rendered(setup, question);
                        double sum = 0;
                        double weights = 0;
                        for (int score = 0; score <= 9; score++) {
                            int[] ids = java.util.Arrays.copyOf(prompt, prompt.length + 1);
                            ids[prompt.length] = '0' + score;
                            double p = Math.exp(last(decoder, ids));
                            sum += score * p;
                            weights += p;
                        }
                        return sum / weights;
                    }
                });
    }

    private static int[] rendered(ModelSetup setup, String question) {
        return new org.attune.text.ChatTokenizer(
                        setup.text().tokenizer(), setup.text().template().orElseThrow())
                .encode(
                        org.attune.text.Conversation.of(
                                List.of(org.attune.text.Message.of("user", question))),
                        org.attune.text.ChatTemplate.Tail.GENERATION_PROMPT)
                .ids();
    }

    private static float last(org.attune.model.layer.Decoder decoder, int[] ids) {
        try (var _ = TensorScope.open("test")) {
            var builder = TokenForest.builder();
            int root = builder.root(ids);
            builder.target(root, ids.length - 1);
            return Policy.reference(decoder)
                    .measure(builder.build(), HeadRequest.of())
                    .tokenLogProbs()[0];
        }
    }

    private static int grpo(String name, String judge, String... more) {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "grpo",
                                Path.of(System.getProperty("attune.root", ".."))
                                        .resolve("examples/quickstart/grpo.yaml")
                                        .toString(),
                                "model_name_or_path=" + model,
                                "datasets=" + folder.resolve("rows.jsonl"),
                                "output_dir=" + folder.resolve(name),
                                "reward_funcs={judge: {model: %s, prompt: '%s'}}"
                                        .formatted(judge, PROMPT),
                                "dtype=float32",
                                "per_device_train_batch_size=8",
                                "num_generations=4",
                                "max_completion_length=8",
                                "learning_rate=0.05",
                                "logging_steps=1",
                                "eval_datasets=[]",
                                "max_steps=4"));
        arguments.addAll(List.of(more));
        return Main.run(arguments.toArray(String[]::new));
    }

    private static List<Double> rewards(String name) throws IOException {
        List<Double> rewards = new ArrayList<>();
        for (String line :
                Files.readAllLines(
                        folder.resolve(name).resolve("metrics.jsonl"), StandardCharsets.UTF_8)) {
            JsonNode log = new ObjectMapper().readTree(line);
            if (log.has("rewards/judge/mean")) {
                rewards.add(log.get("rewards/judge/mean").asDouble());
            }
        }
        return rewards;
    }

    @Test
    void thePolicyJudgesWithItsAdapterOff() throws IOException {
        assertEquals(0, grpo("policy", "policy"));
        assertEquals(0, grpo("folder", model.toString()));
        List<Double> byPolicy = rewards("policy");
        List<Double> byFolder = rewards("folder");
        assertEquals(4, byPolicy.size());
        for (int i = 0; i < 4; i++) {
            assertEquals(byFolder.get(i), byPolicy.get(i), 1e-5, "step " + (i + 1));
        }
        assertTrue(byPolicy.stream().distinct().count() > 1, byPolicy.toString());
    }

    @Test
    void aPolicyWithoutAnAdapterIsNoJudge() {
        assertNotEquals(0, grpo("full", "policy", "use_peft=false"));
    }

    @Test
    void answersMustBeTellable() {
        var like = ModelConfig.of(model.toString());
        var entry = entry(Map.of("model", model.toString(), "scale", "1..10"));
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        Engine.call(
                                                () -> {
                                                    try (var opened =
                                                            LocalJudge.open(
                                                                    entry,
                                                                    like,
                                                                    HubDownload.cache())) {
                                                        return opened.score(
                                                                new RewardBatch(
                                                                        List.of(), List.of(),
                                                                        Map.of()));
                                                    }
                                                }))
                        .getMessage();
        assertTrue(message.contains("tokens of 1 begin those of 10"), message);
        String group =
                assertThrows(
                                ConfigException.class,
                                () -> entry(Map.of("model", "policy", "mode", "group")))
                        .getMessage();
        assertTrue(group.contains("base_url"), group);
    }
}
