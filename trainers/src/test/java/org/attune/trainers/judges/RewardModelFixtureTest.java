package org.attune.trainers.judges;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.StepSeparator;
import org.attune.policy.HeadRequest;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.policy.TokenForest;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.text.Tokenizer;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.opening.PolicySetup;
import org.attune.trainers.run.Runs;
import org.attune.trainers.scoring.RewardTrainerConfig;
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

/// Reward models as judges beside the same models asked one sequence at a time.
@Tag("fixtures-trl")
class RewardModelFixtureTest {
    private static final String PROMPT = "What is 2 + 2?";

    /// The first two begin with the same steps; the last has a blank piece and no separator at its
    /// end.
    private static final List<String> COMPLETIONS =
            List.of("Two and two.\nFour.\n", "Two and two.\nFour.\nFive.", "Hi\n\n  \nFive.", "");

    @TempDir private Path folder;

    @Test
    void stepsAreJudgedOneByOne() {
        Path model = stepModel();
        List<List<String>> steps =
                List.of(
                        List.of("Two and two.", "Four."),
                        List.of("Two and two.", "Four.", "Five."),
                        List.of("Hi", "Five."),
                        List.of(""));
        double[][] alone = Engine.call(() -> probabilitiesAlone(model, steps));
        double[] min = scores(model, Map.of(), texts());
        double[] product = scores(model, Map.of("aggregation", "product"), texts());
        double[] mean = scores(model, Map.of("aggregation", "mean"), texts());
        double[] last = scores(model, Map.of("aggregation", "last"), texts());
        for (int i = 0; i < alone.length; i++) {
            double[] p = alone[i];
            assertEquals(Arrays.stream(p).min().getAsDouble(), min[i], 1e-5, "min " + i);
            assertEquals(Arrays.stream(p).average().getAsDouble(), mean[i], 1e-5, "mean " + i);
            assertEquals(p[p.length - 1], last[i], 1e-5, "last " + i);
            double all = 1;
            for (double each : p) {
                all *= each;
            }
            assertEquals(all, product[i], 1e-5, "product " + i);
        }
        // Without the others, two completions share their first steps.
        double[] two =
                scores(
                        model,
                        Map.of("aggregation", "product"),
                        batch(COMPLETIONS.subList(0, 2), false));
        assertEquals(product[0], two[0], 1e-5);
        assertEquals(product[1], two[1], 1e-5);
    }

    @Test
    void theSeparatorIsTheModelsOwnUnlessAnotherIsGiven() throws IOException {
        Path model = copy(stepModel());
        new StepSeparator("and").write(model);
        double[] own = scores(model, Map.of("aggregation", "mean"), texts());
        double[] given =
                scores(model, Map.of("aggregation", "mean", "step_separator", "\n"), texts());
        double[][] alone =
                Engine.call(
                        () ->
                                probabilitiesAlone(
                                        model, List.of(List.of("Two and two.", "Four.")), "\n"));
        assertEquals(Arrays.stream(alone[0]).average().getAsDouble(), given[0], 1e-5);
        double[][] andAlone =
                Engine.call(
                        () ->
                                probabilitiesAlone(
                                        model, List.of(List.of("Two ", " two.\nFour.\n")), "and"));
        assertEquals(Arrays.stream(andAlone[0]).average().getAsDouble(), own[0], 1e-5);
    }

    /// Texts as in TRL: prompt and completion joined, no special tokens.
    @Test
    void wholeTextsAreScoredAtTheirLastToken() {
        Path model = Fixtures.fixture("trl/reward-model");
        double[] together = scores(model, Map.of(), batch(COMPLETIONS.subList(0, 3), false));
        double[] alone =
                Engine.call(
                        () -> {
                            try (var text = TextAssets.load(model);
                                    var decoder = decoder(model)) {
                                double[] values = new double[3];
                                for (int i = 0; i < 3; i++) {
                                    int[] ids =
                                            text.tokenizer()
                                                    .encode(PROMPT + COMPLETIONS.get(i), false);
                                    values[i] = scoresAlone(decoder, ids, 1)[0];
                                }
                                return values;
                            }
                        });
        for (int i = 0; i < alone.length; i++) {
            assertEquals(alone[i], together[i], 1e-4 * (1 + Math.abs(alone[i])), "" + i);
        }
        double[] turns = scores(model, Map.of(), batch(COMPLETIONS.subList(0, 3), true));
        assertTrue(Math.abs(turns[0] - together[0]) > 1e-3, "a template makes a difference");
    }

    /// A judge on the policy's weights gives what it gives on its own, also when the policy's
    /// adapter has learnt, and has no weights beside its adapter and head.
    @Test
    void adaptersShareThePolicysWeights() {
        Path model = Fixtures.fixture("trl/model");
        var like =
                ModelConfig.of(model.toString()).withDevice("cpu").withDtype(DtypeChoice.FLOAT32);
        Path adapter = rewardAdapter(model);
        double[] alone = scores(adapter, Map.of(), batch(COMPLETIONS.subList(0, 3), true));
        var reward = ModelReward.of(adapter.toString(), folder, "reward_funcs[0]");
        Engine.run(
                () -> {
                    try (var setup = ModelSetup.open(like, new HubCache(folder));
                            var policy =
                                    PolicySetup.load(
                                            setup,
                                            LoraSettings.allLinear(4, 8),
                                            TrainingConfig.of(OptimizerConfig.sft()),
                                            false,
                                            List::of);
                            var judge = RewardModel.open(reward, like, new HubCache(folder))) {
                        long before = TensorScope.liveBytes();
                        judge.load(setup, policy.policy());
                        long taken = TensorScope.liveBytes() - before;
                        DecoderConfig size = DecoderConfig.read(model);
                        assertTrue(
                                taken < (long) size.hiddenSize() * size.vocabSize() * Float.BYTES,
                                "less than an embedding: " + taken);
                        double[] shared = judge.score(batch(COMPLETIONS.subList(0, 3), true));
                        change(policy.policy().parameters());
                        double[] later = judge.score(batch(COMPLETIONS.subList(0, 3), true));
                        for (int i = 0; i < alone.length; i++) {
                            assertEquals(alone[i], shared[i], 1e-5, "" + i);
                            assertEquals(alone[i], later[i], 1e-5, "" + i);
                        }
                    }
                });
    }

    @Test
    void faultyEntriesAreNamed() {
        Path prm = stepModel();
        Path whole = Fixtures.fixture("trl/reward-model");
        assertFault("aggregation is max; accepted are min, product", prm, "aggregation", "max");
        assertFault("did you mean aggregation?", prm, "agregation", "min");
        assertFault("step_separator must be a text", prm, "step_separator", "");
        assertFault("scores whole answers", whole, "aggregation", "min");
        assertFault("has no score head", Fixtures.fixture("trl/model"), "weight", 1);
        assertFault("no config.json and no adapter_config.json", folder, "weight", 1);
    }

    @Test
    void modelsOfSeveralLabelsAreNoJudges() {
        Path models = Fixtures.fixture("engine/sequence-classification");
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            for (Path model : Recorded.folders(models)) {
                boolean isAdapter = Files.exists(model.resolve("adapter_config.json"));
                int labels = isAdapter ? 1 : DecoderConfig.read(model).labels();
                if (labels > 1) {
                    String fault = "is a sequence-classification model with " + labels + " labels";
                    report.run(
                            model.getFileName().toString(),
                            () -> assertFault(fault, model, "weight", 1));
                } else {
                    report.elsewhere();
                }
            }
        }
    }

    private void assertFault(String expected, Path model, String key, Object value) {
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> scores(model, Map.of(key, value), texts()))
                        .getMessage();
        assertTrue(message.contains(expected), message);
    }

    private static void change(ParameterSpace trained) {
        try (var _ = TensorScope.open("learn")) {
            Tensor values = trained.values();
            float[] step = new float[Math.toIntExact(values.size(0))];
            Arrays.fill(step, 0.05f);
            values.addInPlace(Tensor.of(values.device(), step, step.length));
            trained.valuesChanged();
        }
    }

    private Path rewardAdapter(Path model) {
        Path output = folder.resolve("reward");
        new Runs(new HubCache(folder), List.of(), new StopSignal())
                .train(
                        RewardTrainerConfig.defaults()
                                .withModel(
                                        m ->
                                                m.withModelNameOrPath(model.toString())
                                                        .withDevice("cpu"))
                                .withLora(LoraSettings.allLinear(8, 16))
                                .withData(
                                        _ ->
                                                DataConfig.of(
                                                        recorded("parity", "reward")
                                                                .resolve("data.jsonl")
                                                                .toString()))
                                .withTraining(
                                        t ->
                                                t.withOptimizer(o -> o.withLearningRate(1e-2))
                                                        .withSchedule(s -> s.withMaxSteps(5))
                                                        .withSave(s -> s.withOutputDir(output))));
        return output;
    }

    /// The first recorded run of a trainer.
    private static Path recorded(String parent, String trainer) {
        return Recorded.runs(Fixtures.fixture("trl").resolve(parent), trainer).getFirst();
    }

    /// The process reward model that a recorded run starts from, which lies beside it.
    private static Path stepModel() {
        Path run = recorded("older", "prm");
        return run.resolveSibling(Recorded.json(run.resolve("config.json")).get("model").asText());
    }

    private Path copy(Path model) throws IOException {
        Path copy = Files.createDirectory(folder.resolve("copy"));
        try (var files = Files.list(model)) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(file.getFileName()));
            }
        }
        return copy;
    }

    private static RewardBatch texts() {
        return batch(COMPLETIONS, false);
    }

    private static RewardBatch batch(List<String> completions, boolean turns) {
        List<Prompt> prompts = new ArrayList<>();
        List<Completion> answers = new ArrayList<>();
        for (String text : completions) {
            prompts.add(
                    new Prompt(PROMPT, turns ? List.of(Message.of("user", PROMPT)) : List.of()));
            answers.add(
                    new Completion(
                            text,
                            new int[0],
                            turns ? List.of(Message.of("assistant", text)) : List.of()));
        }
        return new RewardBatch(prompts, answers, Map.of());
    }

    private double[] scores(Path model, Map<String, Object> keys, RewardBatch batch) {
        Map<String, Object> entry = new LinkedHashMap<>(keys);
        entry.put("model", model.toString());
        var reward = ModelReward.of(entry, folder, "reward_funcs[0]");
        var like = ModelConfig.of("policy").withDevice("cpu").withDtype(DtypeChoice.FLOAT32);
        return Engine.call(
                () -> {
                    try (var judge = RewardModel.open(reward, like, new HubCache(folder))) {
                        return judge.score(batch);
                    }
                });
    }

    private static double[][] probabilitiesAlone(Path model, List<List<String>> solutions) {
        return probabilitiesAlone(model, solutions, "\n");
    }

    /// Every step at the end of a sequence that stops there.
    private static double[][] probabilitiesAlone(
            Path model, List<List<String>> solutions, String separator) {
        try (var text = TextAssets.load(model);
                var decoder = decoder(model)) {
            Tokenizer tokenizer = text.tokenizer();
            double[][] all = new double[solutions.size()][];
            for (int i = 0; i < all.length; i++) {
                List<Integer> ids = new ArrayList<>();
                add(ids, tokenizer.encode(PROMPT, false));
                all[i] = new double[solutions.get(i).size()];
                for (int s = 0; s < all[i].length; s++) {
                    add(ids, tokenizer.encode(solutions.get(i).get(s), false));
                    add(ids, tokenizer.encode(separator, false));
                    float[] z =
                            scoresAlone(
                                    decoder, ids.stream().mapToInt(Integer::intValue).toArray(), 2);
                    all[i][s] = Math.exp(z[1]) / (Math.exp(z[0]) + Math.exp(z[1]));
                }
            }
            return all;
        }
    }

    private static void add(List<Integer> ids, int[] more) {
        for (int id : more) {
            ids.add(id);
        }
    }

    private static float[] scoresAlone(Decoder decoder, int[] ids, int labels) {
        try (var _ = TensorScope.open("alone")) {
            var builder = TokenForest.builder();
            int root = builder.root(ids);
            for (int label = 0; label < labels; label++) {
                builder.score(root, label);
            }
            return Policy.reference(decoder)
                    .measure(builder.build(), HeadRequest.of())
                    .tokenLogProbs();
        }
    }

    private static Decoder decoder(Path model) {
        try (var file = SafeTensorsFile.open(model)) {
            return Decoder.load(DecoderConfig.read(model), file, Devices.usual(), DType.FLOAT32);
        }
    }
}
