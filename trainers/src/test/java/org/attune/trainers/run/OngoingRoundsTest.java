package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.json.Json;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Logits;
import org.attune.model.pass.Recomputation;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.policy.ValueHash;
import org.attune.reward.Completion;
import org.attune.reward.RewardTable;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.OngoingCompletions;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.source.EngineRollouts;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.grpo.GroupRows;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.grpo.GrpoTrainerTest;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.LagConfig;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TinyRollouts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Rounds that are learned from before all of their completions have ended.
class OngoingRoundsTest {
    private static final int STEPS = 6;
    private static final int SAVED = 3;
    private static final int MOST_TOKENS = 16;
    private static final double TEMPERATURE = 1.3;

    @TempDir private Path folder;

    @Test
    void aRunLeavesTheSameBytesAgainAndWhereItGoesOn() throws IOException {
        UnaryOperator<LagConfig> lag =
                l -> l.withMaxStaleness(3).withMaxInflightTasks(8).withWeightSyncSteps(2);
        Path one = train("one", lag, "").output;
        assertSameBytes(one, train("again", lag, "").output);

        Path middle = folder.resolve("resumed/checkpoint-" + SAVED);
        Files.createDirectories(middle);
        try (Stream<Path> files = Files.list(one.resolve("checkpoint-" + SAVED))) {
            for (Path file : files.toList()) {
                Files.copy(file, middle.resolve(file.getFileName()));
            }
        }
        assertTrue(Files.size(middle.resolve("under-way.bin")) > 100, "nothing is under way");
        assertSameBytes(one, train("resumed", lag, middle.toString()).output);
    }

    @Test
    void completionsGoOnUnderTheNextWeights() throws IOException {
        Trained run = train("run", l -> l.withMaxStaleness(3).withMaxInflightTasks(8), "");
        List<JsonNode> steps = steps(run.output);
        assertTrue(values(steps, "sample/several_versions").anyMatch(v -> v > 0), "none went on");
        assertTrue(values(steps, "sample/staleness_max").anyMatch(v -> v > 0), "none is old");
        assertTrue(values(steps, "sample/staleness_max").allMatch(v -> v <= 3), "too old");
        assertTrue(values(steps, "sample/in_flight").anyMatch(v -> v > 0), "none is in flight");
        assertTrue(run.spy.checked > 100, "few tokens were looked at");
        int versions = new HashSet<>(run.spy.weights).size();
        assertTrue(versions > STEPS / 2, versions + " versions of the weights wrote");
    }

    @Test
    void completionsOfTooOldWeightsAreDropped() throws IOException {
        Trained run = train("run", l -> l.withMaxStaleness(0).withMaxInflightTasks(8), "");
        List<JsonNode> steps = steps(run.output);
        assertTrue(values(steps, "sample/staleness_max").allMatch(v -> v == 0), "too old");
        assertTrue(
                values(steps, "sample/dropped_stale_total").anyMatch(v -> v > 0),
                "none was dropped");
    }

    @Test
    void weightsAreSynchronisedAfterSomeSteps() throws IOException {
        Trained run =
                train(
                        "run",
                        l -> l.withMaxStaleness(3).withMaxInflightTasks(8).withWeightSyncSteps(2),
                        "");
        assertEquals(STEPS / 2, run.spy.weights.size(), "how often completions were made longer");
        assertEquals(STEPS / 2, new HashSet<>(run.spy.weights).size(), "weights that wrote");
        List<Double> most = values(steps(run.output), "sample/staleness_max").toList();
        assertTrue(most.stream().allMatch(v -> v <= 3), most.toString());
        assertTrue(most.stream().anyMatch(v -> v > 0), most.toString());
    }

    /// What a run leaves.
    private record Trained(Path output, Spy spy) {}

    /// Looks over the shoulder of the engine.
    private static final class Spy implements RolloutSource {
        private final Policy policy;
        private final RolloutSource own;
        private final List<Double> weights = new ArrayList<>();
        private int checked;

        Spy(Policy policy) {
            this.policy = policy;
            var generator =
                    new Generator(policy.decoder(), policy.adapterInUse(), Optional.empty(), 8);
            var hot = new SamplingConfig.Distribution(1, 0, 0, TEMPERATURE, 0, 1, 0, 1);
            SamplingConfig sampling = SamplingConfig.of(hot, MOST_TOKENS, Set.of(0, 1, 2), 5);
            own = new EngineRollouts(generator, generator, sampling, sampling);
        }

        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> prompts, long round, FinishedListener listener) {
            throw new AssertionError("a round waited for its longest completion");
        }

        @Override
        public void goOn(OngoingCompletions ongoing) {
            ParameterSpace trained = policy.parameters();
            weights.add(ValueHash.of(trained.values()));
            own.goOn(new Checked(ongoing));
        }

        @Override
        public boolean isOnPolicy() {
            return true;
        }

        /// New tokens have the log-probabilities that a pass without a cache gives them, with the
        /// weights as they are now and at the run's temperature.
        private final class Checked implements OngoingCompletions {
            private final OngoingCompletions ongoing;

            Checked(OngoingCompletions ongoing) {
                this.ongoing = ongoing;
            }

            @Override
            public int places() {
                return ongoing.places();
            }

            @Override
            public int longestPrompt() {
                return ongoing.longestPrompt();
            }

            @Override
            public List<Begun> next(int free) {
                return ongoing.next(free);
            }

            @Override
            public void ended(Begun begun, SampledCompletion whole) {
                check(begun, whole);
                ongoing.ended(begun, whole);
            }

            @Override
            public void left(Begun begun, SampledCompletion before) {
                check(begun, before);
                ongoing.left(begun, before);
            }

            @Override
            public boolean isEnough() {
                return ongoing.isEnough();
            }

            private void check(Begun begun, SampledCompletion now) {
                int known = begun.before().ids().length;
                assertArrayEquals(begun.before().ids(), Arrays.copyOf(now.ids(), known));
                assertArrayEquals(begun.before().logProbs(), Arrays.copyOf(now.logProbs(), known));
                double[] fresh = logProbs(begun.prompt(), now.ids());
                for (int t = known; t < fresh.length; t++, checked++) {
                    assertEquals(fresh[t], now.logProbs()[t], 1e-4, "token " + t);
                }
            }
        }

        private double[] logProbs(int[] prompt, int[] completion) {
            int[] tokens =
                    IntStream.concat(Arrays.stream(prompt), Arrays.stream(completion)).toArray();
            int[] positions = IntStream.range(0, tokens.length).toArray();
            var spans = List.of(new Layout.Span(-1, 0, tokens.length));
            double[] logProbs = new double[completion.length];
            try (var _ = TensorScope.open("test")) {
                Tensor logits =
                        Logits.of(
                                policy.decoder(),
                                new Layout(tokens, positions, spans),
                                policy.adapterInUse());
                for (int t = 0; t < logProbs.length; t++) {
                    float[] row = logits.narrow(0, prompt.length - 1L + t, 1).toFloats();
                    double sum = 0;
                    for (float z : row) {
                        sum += Math.exp(z / TEMPERATURE);
                    }
                    logProbs[t] = row[completion[t]] / TEMPERATURE - Math.log(sum);
                }
            }
            return logProbs;
        }
    }

    private Trained train(String name, UnaryOperator<LagConfig> lag, String resume) {
        Path output = folder.resolve(name);
        TrainingConfig training =
                ShortRun.of(SftConfig.defaults().training(), STEPS, 3e-2, output)
                        .withBatch(b -> b.withPerDeviceTrainBatchSize(4))
                        .withSave(
                                s ->
                                        s.withSaveSteps(SAVED)
                                                .withSaveTotalLimit(10)
                                                .withResume(
                                                        resume.isEmpty()
                                                                ? new Resume.No()
                                                                : new Resume.From(
                                                                        Path.of(resume))));
        GrpoConfig config =
                GrpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("tiny"))
                        .withData(_ -> DataConfig.of("data.jsonl"))
                        .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                        .withSampling(s -> s.withTemperature(TEMPERATURE))
                        .withNumGenerations(2)
                        .withMaxCompletionLength(MOST_TOKENS)
                        .withLag(lag)
                        .withTraining(training);
        return Engine.call(() -> new Trained(output, train(config)));
    }

    private static Spy train(GrpoConfig config) {
        var options = new Policy.Options(Recomputation.NONE, true, 7, false);
        var lora = LoraConfig.of(4, 8, 0, ModuleSelection.of("all-linear"));
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(1L);
        try (var decoder = TinyModels.decoder(TinyModels.tiedLlama());
                var policy = Policy.withFreshAdapter(decoder, lora, random, options)) {
            var spy = new Spy(policy);
            Path output = config.training().save().outputDir();
            GroupRows.trainer(
                            config,
                            policy,
                            new RoundInputs(
                                    Optional.empty(),
                                    spy,
                                    batch -> rewards(batch.completions()),
                                    TinyRollouts.tokenizer(),
                                    GrpoTrainerTest.prompts(),
                                    List.of()),
                            RunContext.of(path -> policy.saveAdapter(path, "tiny"))
                                    .withListeners(new MetricsFile(output)))
                    .train();
            return spy;
        }
    }

    private static RewardTable rewards(List<Completion> completions) {
        double[][] rewards = new double[completions.size()][1];
        for (int i = 0; i < rewards.length; i++) {
            int[] tokens = completions.get(i).tokens();
            for (int t = 0; t < tokens.length; t++) {
                rewards[i][0] += (t + 1) * tokens[t];
            }
        }
        return RewardTable.of(List.of("wanted"), new double[] {1}, rewards);
    }

    private static List<JsonNode> steps(Path output) throws IOException {
        List<JsonNode> steps = new ArrayList<>();
        for (String line : Files.readAllLines(output.resolve("metrics.jsonl"))) {
            JsonNode entry = Json.tree(line);
            if (entry.has("sample/staleness_max")) {
                steps.add(entry);
            }
        }
        assertEquals(STEPS, steps.size());
        return steps;
    }

    private static Stream<Double> values(List<JsonNode> steps, String key) {
        return steps.stream().map(step -> step.get(key).asDouble());
    }

    private static void assertSameBytes(Path one, Path other) throws IOException {
        String last = "checkpoint-" + STEPS;
        for (String file :
                List.of(
                        "adapter_model.safetensors",
                        last + "/optimizer.safetensors",
                        last + "/under-way.bin",
                        last + "/rollouts.jsonl")) {
            assertArrayEquals(
                    Files.readAllBytes(one.resolve(file)),
                    Files.readAllBytes(other.resolve(file)),
                    file);
        }
        for (String key : List.of("loss", "sample/in_flight", "sample/staleness_mean")) {
            assertEquals(values(steps(one), key).toList(), values(steps(other), key).toList(), key);
        }
    }
}
