package org.attune.trainers.grpo;

import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.error.RewardException;
import org.attune.reward.Completion;
import org.attune.reward.CompletionScorer;
import org.attune.reward.RewardFailure;
import org.attune.reward.RewardTable;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.report.CompletionsFile;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.RoundTrainerContract;
import org.attune.trainers.testing.TinyRollouts;
import org.attune.trainers.testing.TrainerCase;
import org.attune.trainers.testing.TrainerCase.Given;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

public class GrpoTrainerTest implements RoundTrainerContract<PromptExample> {
    static final int VOCABULARY = 7;
    private static final int LENGTH = 4;
    private static final int WANTED = 3;

    @TempDir private Path folder;

    /// Draws from the table as it is; the draws follow from the round.
    public record Bigrams(BigramPolicy policy) implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> prompts, long round, FinishedListener listener) {
            float[] table = policy.parameters().values().toFloats();
            var random = RandomSource.XO_RO_SHI_RO_128_PP.create(100 + round);
            List<SampledCompletion> completions = new ArrayList<>();
            for (RolloutPrompt asked : prompts) {
                int[] prompt = asked.ids();
                int[] ids = new int[LENGTH];
                int last = prompt[prompt.length - 1];
                for (int t = 0; t < LENGTH; t++) {
                    ids[t] = draw(table, last, random.nextDouble());
                    last = ids[t];
                }
                completions.add(
                        new SampledCompletion(ids, new float[LENGTH], StopReason.MAX_TOKENS));
            }
            return completions;
        }

        private static int draw(float[] table, int row, double u) {
            double sum = 0;
            for (int v = 0; v < VOCABULARY; v++) {
                sum += Math.exp(table[row * VOCABULARY + v]);
            }
            double rest = u * sum;
            for (int v = 0; v < VOCABULARY; v++) {
                rest -= Math.exp(table[row * VOCABULARY + v]);
                if (rest <= 0) {
                    return v;
                }
            }
            return VOCABULARY - 1;
        }

        @Override
        public List<SampledCompletion> completeGreedily(
                List<RolloutPrompt> prompts, FinishedListener listener) {
            return complete(prompts, 0);
        }

        /// The wanted token alone.
        @Override
        public List<SampledCompletion> completeHeldOut(
                List<RolloutPrompt> prompts, FinishedListener listener) {
            int[] ids = {WANTED, WANTED, WANTED, 0};
            var completion = new SampledCompletion(ids, new float[4], StopReason.STOP_TOKEN);
            return Collections.nCopies(prompts.size(), completion);
        }

        @Override
        public boolean isOnPolicy() {
            return true;
        }
    }

    /// The share of tokens that are the wanted one.
    public static RewardTable wanted(List<Completion> completions) {
        double[][] rewards = new double[completions.size()][1];
        for (int i = 0; i < rewards.length; i++) {
            rewards[i][0] =
                    Arrays.stream(completions.get(i).tokens()).filter(t -> t == WANTED).count()
                            / (double) LENGTH;
        }
        return RewardTable.of(List.of("wanted"), new double[] {1}, rewards);
    }

    public static List<PromptExample> prompts() {
        List<PromptExample> prompts = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            int[] ids = {i % VOCABULARY, (3 * i + 1) % VOCABULARY};
            prompts.add(
                    new PromptExample(
                            ids,
                            "prompt " + i,
                            List.of(),
                            Map.of(),
                            new RowOrigin("data.jsonl", i + 1, i)));
        }
        return prompts;
    }

    /// A round serves two steps, so every odd step ends in the middle of one.
    @Override
    public TrainerCase<PromptExample> trainerCase() {
        return of(
                c -> c.withRounds(r -> r.withStepsPerGeneration(4)).withLoss(l -> l.withBeta(0.1)));
    }

    /// Every loss, on rounds that are learnt from twice.
    @Override
    public Map<String, TrainerCase<PromptExample>> forms() {
        Map<String, TrainerCase<PromptExample>> forms = new LinkedHashMap<>();
        for (GrpoLossType loss : GrpoLossType.values()) {
            double beta = loss == GrpoLossType.A2PO ? 0 : 0.1;
            forms.put(
                    loss.name(),
                    of(
                            c ->
                                    c.withLoss(l -> l.withLossType(loss).withBeta(beta))
                                            .withRounds(r -> r.withNumIterations(2))));
        }
        forms.put(
                "REAL in two steps",
                of(
                        c ->
                                c.withLoss(l -> l.withLossType(GrpoLossType.REAL).withBeta(0.1))
                                        .withRounds(r -> r.withStepsPerGeneration(4))));
        return forms;
    }

    private TrainerCase<PromptExample> of(UnaryOperator<GrpoConfig> change) {
        return new TrainerCase<>(
                prompts(),
                () -> BigramPolicy.seeded(VOCABULARY, 1),
                given -> start(config(change), given),
                given -> start(config(change).withLoss(l -> l.withEpsilon(0.3)), given),
                "epsilon",
                List.of(),
                given -> start(config(change), given.poisoned(WANTED)),
                "data.jsonl:");
    }

    private static float[] start(GrpoConfig config, Given<PromptExample> given) {
        GroupRows.trainer(
                        config.withTraining(given.training()),
                        given.policy(),
                        new RoundInputs(
                                Optional.of(BigramPolicy.seeded(VOCABULARY, 1).frozen()),
                                given.writer().apply(new Bigrams(given.table())),
                                batch -> wanted(batch.completions()),
                                TinyRollouts.tokenizer(),
                                given.rows(),
                                List.of()),
                        given.context())
                .train();
        return new float[0];
    }

    private GrpoConfig config(UnaryOperator<GrpoConfig> change) {
        GrpoConfig start =
                GrpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("bigrams"))
                        .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(true))
                        .withLora(l -> l.withUsePeft(false))
                        .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                        .withNumGenerations(4)
                        .withMaxCompletionLength(LENGTH)
                        .withTraining(
                                t ->
                                        t.withOptimizer(o -> o.withLearningRate(0.05))
                                                .withSchedule(s -> s.withMaxSteps(6))
                                                .withBatch(
                                                        b ->
                                                                b.withPerDeviceTrainBatchSize(8)
                                                                        .withGradientAccumulationSteps(
                                                                                2))
                                                .withLog(l -> l.withLoggingSteps(1))
                                                .withSave(
                                                        s ->
                                                                s.withOutputDir(
                                                                        folder.resolve("out"))));
        return change.apply(start);
    }

    private static float[] train(GrpoConfig config, RunContext context) {
        return train(config, context, List.of());
    }

    private static float[] train(
            GrpoConfig config, RunContext context, List<EvalSet<PromptExample>> evalSets) {
        return train(config, batch -> wanted(batch.completions()), context, evalSets);
    }

    private static float[] train(
            GrpoConfig config,
            CompletionScorer rewards,
            RunContext context,
            List<EvalSet<PromptExample>> evalSets) {
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        GroupRows.trainer(
                                        config,
                                        policy,
                                        new RoundInputs(
                                                Optional.of(policy.frozen()),
                                                new Bigrams(policy),
                                                rewards,
                                                TinyRollouts.tokenizer(),
                                                prompts(),
                                                evalSets),
                                        context)
                                .train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    private static RunContext context() {
        return RunContext.of(path -> Files.writeString(path.resolve("model"), "weights"));
    }

    @Test
    void rewardRises() {
        var listener = new RecordingListener();
        train(
                config(
                        c ->
                                c.withTraining(
                                        t ->
                                                t.withSchedule(s -> s.withMaxSteps(60))
                                                        .withOptimizer(
                                                                o -> o.withLearningRate(0.1)))),
                context().withListeners(listener));
        double first = number(listener.logs.get(0), "reward");
        double last =
                listener.logs.subList(50, 60).stream()
                        .mapToDouble(log -> number(log, "reward"))
                        .average()
                        .orElseThrow();
        assertTrue(first < 0.35 && last > 0.65, first + " to " + last);
    }

    @Test
    void heldOutPromptsAreCompletedInTheirOwnWayAndShown() {
        List<CompletionTable> tables = new ArrayList<>();
        List<String> sets = new ArrayList<>();
        List<Integer> told = new ArrayList<>();
        var recorded = new RecordingListener();
        var watcher =
                new TrainingListener() {
                    @Override
                    public void onHeldOutCompletions(String set, CompletionTable table) {
                        sets.add(set);
                        tables.add(table);
                        told.add(recorded.evaluations.size());
                    }
                };
        train(
                config(c -> c.withHeldOut(h -> h.withEvalTemperature(0))),
                context().withListeners(watcher, recorded),
                List.of(
                        new EvalSet<>("a", prompts().subList(0, 3)),
                        new EvalSet<>("b", prompts())));
        assertEquals(List.of("a", "b", "a", "b"), sets);
        assertEquals(List.of(0, 0, 1, 1), told, "completions come before the numbers");
        CompletionTable first = tables.getFirst();
        assertEquals(1, first.generations());
        assertEquals(3, first.batch().size());
        assertTrue(first.advantages().isEmpty(), "nothing is learned from held-out rows");
        Map<String, Object> before = recorded.evaluations.getFirst();
        assertEquals(0.75, number(before, "eval_a_reward"));
        assertFalse(before.containsKey("eval_a_frac_reward_zero_std"), "groups of one");
        train(
                config(c -> c.withHeldOut(h -> h.withNumGenerationsEval(2))),
                context().withListeners(watcher),
                List.of(new EvalSet<>("c", prompts())));
        assertEquals(2, tables.getLast().generations());
        assertEquals(16, tables.getLast().batch().size());
    }

    /// The round of steps 3 and 4 is in the checkpoint between them, and written to its file once.
    @Test
    void completionsOfAResumedRunAreThoseOfAWholeOne() throws IOException {
        UnaryOperator<GrpoConfig> longRounds = c -> c.withRounds(r -> r.withStepsPerGeneration(4));
        var whole = new RecordingListener();
        Path undisturbed = folder.resolve("whole");
        train(
                longRounds.apply(config(c -> c.withTraining(to("whole")))),
                context().withListeners(whole, new CompletionsFile(undisturbed)));
        assertFalse(whole.logs.get(1).containsKey("reward"), "step 2 generates nothing");
        var stop = new StopSignal();
        TrainingListener stopper =
                new TrainingListener() {
                    @Override
                    public void onLog(int step, Map<String, Object> metrics) {
                        if (step == 3) {
                            stop.request();
                        }
                    }
                };
        GrpoConfig halves = longRounds.apply(config(c -> c.withTraining(to("halves"))));
        Path out = folder.resolve("halves");
        train(halves, context().withStop(stop).withListeners(new CompletionsFile(out), stopper));
        assertTrue(Files.exists(out.resolve("checkpoint-3/rollouts.jsonl")));
        train(
                halves.withTraining(t -> t.withSave(s -> s.withResume(new Resume.Latest()))),
                context().withListeners(new CompletionsFile(out)));
        for (int step = 1; step <= 6; step++) {
            String name = "completions/completions_0000%d.parquet".formatted(step);
            assertEquals(-1, Files.mismatch(undisturbed.resolve(name), out.resolve(name)));
        }
    }

    /// A judge that is down for a round: nothing is learnt from it, and nothing that was is lost.
    @Test
    void rewardThatFailsEndsTheRunAfterItsStepsWereSaved() {
        var judged = new RecordingListener();
        float[] expected = train(config(c -> c.withTraining(to("well"))), context());
        GrpoConfig config = config(c -> c.withTraining(to("failed")));
        var rounds = new AtomicInteger();
        var error =
                assertThrows(
                        RewardException.class,
                        () ->
                                train(
                                        config,
                                        batch ->
                                                rounds.incrementAndGet() == 3
                                                        ? failed(batch.size())
                                                        : wanted(batch.completions()),
                                        context().withListeners(judged),
                                        List.of()));
        assertTrue(error.getMessage().contains("\"wanted\""), error.getMessage());
        assertTrue(error.getMessage().contains("judge is down"), error.getMessage());
        assertEquals(2, judged.logs.size());
        assertArrayEquals(
                expected,
                train(
                        config.withTraining(
                                t -> t.withSave(s -> s.withResume(new Resume.Latest()))),
                        context()),
                0);
    }

    private static RewardTable failed(int completions) {
        double[][] none = new double[completions][1];
        Arrays.stream(none).forEach(row -> row[0] = Double.NaN);
        return new RewardTable(
                List.of("wanted"),
                new double[] {1},
                none,
                List.of(
                        new RewardFailure(
                                "wanted",
                                RewardFailure.Kind.THREW,
                                completions,
                                0,
                                "the judge is down")),
                Map.of(),
                Map.of());
    }

    private UnaryOperator<TrainingConfig> to(String name) {
        return t -> t.withSave(s -> s.withOutputDir(folder.resolve(name)));
    }

    @Test
    void roundsThatAreNotWholeGroupsAreRefused() {
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> train(config(c -> c.withNumGenerations(3)), context()))
                        .getMessage();
        assertTrue(message.contains("num_generations"), message);
        String tooFew =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        train(
                                                config(
                                                        c ->
                                                                c.withRounds(
                                                                        r ->
                                                                                r
                                                                                        .withStepsPerGeneration(
                                                                                                8))),
                                                context()))
                        .getMessage();
        assertTrue(tooFew.contains("a round completes 16 prompts"), tooFew);
    }
}
