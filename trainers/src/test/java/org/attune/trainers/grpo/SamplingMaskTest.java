package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.optim.OptimizerType;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.reward.Completion;
import org.attune.reward.RewardTable;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.source.CompletionBytes;
import org.attune.rollout.source.EngineRollouts;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TinyRollouts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/// Log-probabilities of the distributions that tokens were drawn from.
class SamplingMaskTest {
    private static final int[] PROMPT = {3, 1, 4};
    private static final double TEMPERATURE = 6; // the tiny model is sure of itself

    @TempDir private Path folder;

    private static <T> T withPolicy(Function<Policy, T> body) {
        return Engine.call(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.llama());
                            var policy =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        return body.apply(policy);
                    }
                });
    }

    private static SamplingConfig sampling(boolean masked) {
        var distribution =
                SamplingConfig.Distribution.plain()
                        .withTemperature(TEMPERATURE)
                        .withTopP(0.9)
                        .withTopK(9);
        return SamplingConfig.of(distribution, 6, Set.of(0), 5).withReportsDrawable(masked);
    }

    private static Generator generator(Policy policy) {
        return new Generator(policy.decoder(), policy.adapterInUse(), Optional.empty(), 8);
    }

    /// The old log-probability of a token is `log π(a) − log Σ_S π`, with `S` what sampling left.
    /// A fresh step's are the same bits, so that each ratio is exactly 1.
    @Test
    void freshRatiosAreExactlyOneAndOldOnesAreWhatTokensWereDrawnWith() {
        withPolicy(
                policy -> {
                    List<SampledCompletion> drawn =
                            generator(policy)
                                    .generate(
                                            List.of(PROMPT, PROMPT),
                                            sampling(true),
                                            SequenceListener.of((_, _) -> {}));
                    List<CompletionForest.Row> rows =
                            drawn.stream()
                                    .map(
                                            c ->
                                                    new CompletionForest.Row(
                                                            PROMPT,
                                                            c.ids(),
                                                            List.of(),
                                                            c.drawable()))
                                    .toList();
                    var forest = CompletionForest.of(rows, true);
                    HeadRequest request =
                            new HeadRequest(Set.of(), TEMPERATURE)
                                    .within(CompletionForest.drawable(rows));
                    try (var _ = TensorScope.open("test")) {
                        float[] old = policy.measure(forest.forest(), request).tokenLogProbs();
                        float[] now;
                        HeadRequest learning =
                                new HeadRequest(Set.of(HeadStatistic.ENTROPY), TEMPERATURE)
                                        .within(request.drawable());
                        try (var evaluation = policy.evaluate(forest.forest(), learning)) {
                            now = evaluation.measurement().tokenLogProbs();
                        }
                        assertArrayEquals(old, now, 0);
                        SampledCompletion first = drawn.getFirst();
                        assertTrue(first.drawable().getFirst().length > 1);
                        double left = 0;
                        double chosen = 0;
                        for (int id : first.drawable().getFirst()) {
                            double p = Math.exp(plain(policy, id));
                            left += p;
                            chosen = id == first.ids()[0] ? p : chosen;
                        }
                        assertEquals(Math.log(chosen / left), old[0], 1e-5);
                        assertTrue(left < 0.95, "kept " + left);
                    }
                    return null;
                });
    }

    private static double plain(Policy policy, int id) {
        var forest =
                CompletionForest.of(
                        List.of(new CompletionForest.Row(PROMPT, new int[] {id})), false);
        return policy.measure(forest.forest(), new HeadRequest(Set.of(), TEMPERATURE))
                .tokenLogProbs()[0];
    }

    @Test
    void processesTellEachOtherWhatCouldBeDrawn() {
        var told =
                new SampledCompletion(
                        new int[] {1, 2},
                        new float[2],
                        StopReason.MAX_TOKENS,
                        List.of(),
                        new BitSet(),
                        Optional.empty(),
                        List.of(new int[] {1, 7}, new int[0]));
        List<int[]> read =
                CompletionBytes.read(CompletionBytes.of(List.of(told))).getFirst().drawable();
        assertArrayEquals(new int[] {1, 7}, read.get(0));
        assertEquals(0, read.get(1).length);
    }

    private GrpoConfig config(String name, UnaryOperator<GrpoConfig> change) {
        TrainingConfig training =
                ShortRun.of(SftConfig.defaults().training(), 4, 0.1, folder.resolve(name))
                        .withOptimizer(o -> o.withOptim(OptimizerType.SGD))
                        .withSchedule(s -> s.withLrSchedulerType(LrSchedulerType.CONSTANT))
                        .withBatch(b -> b.withPerDeviceTrainBatchSize(4));
        return change.apply(
                GrpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("tiny"))
                        .withData(_ -> DataConfig.of("data.jsonl"))
                        .withLora(l -> l.withUsePeft(false))
                        .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                        .withNumGenerations(2)
                        .withMaxCompletionLength(6)
                        .withSampling(s -> s.withTemperature(TEMPERATURE).withTopP(0.9).withTopK(9))
                        .withLoss(l -> l.withKeepSamplingMask(true))
                        .withRounds(r -> r.withNumIterations(3))
                        .withTraining(training));
    }

    private static float[] train(GrpoConfig config, RunContext context) {
        return withPolicy(
                policy -> {
                    Generator generator = generator(policy);
                    SamplingConfig sampling = sampling(config.keepsSamplingMask());
                    var source = new EngineRollouts(generator, generator, sampling, sampling);
                    GroupRows.trainer(
                                    config,
                                    policy,
                                    new RoundInputs(
                                            Optional.empty(),
                                            source,
                                            batch -> rewards(batch.completions()),
                                            TinyRollouts.tokenizer(),
                                            GrpoTrainerTest.prompts(),
                                            List.of()),
                                    context)
                            .train();
                    return values(policy);
                });
    }

    private static float[] values(Policy policy) {
        ParameterSpace parameters = policy.parameters();
        return parameters.values().toFloats();
    }

    private static RewardTable rewards(List<Completion> completions) {
        double[][] rewards = new double[completions.size()][1];
        for (int i = 0; i < rewards.length; i++) {
            rewards[i][0] = Arrays.stream(completions.get(i).tokens()).map(t -> t % 5).sum();
        }
        return RewardTable.of(List.of("wanted"), new double[] {1}, rewards);
    }

    private static RunContext context() {
        return RunContext.of(_ -> {});
    }

    @Test
    void howAStepIsComputedChangesNothingAndTheMaskDoes() {
        var listener = new RecordingListener();
        float[] together = train(config("a", c -> c), context().withListeners(listener));
        assertTrue(
                RecordingListener.number(listener.logs.getFirst(), "sampling/mask_tokens/mean")
                        > 1);
        assertEquals(
                0, RecordingListener.number(listener.logs.getFirst(), "clip_ratio/region_mean"));
        float[] alone =
                train(
                        config(
                                "b",
                                c ->
                                        c.withTraining(
                                                t ->
                                                        t.withBatch(
                                                                b ->
                                                                        b.withTokensPerMicroBatch(
                                                                                1)))),
                        context());
        assertArrayEquals(together, alone, 1e-5f);
        float[] plain =
                train(config("c", c -> c.withLoss(l -> l.withKeepSamplingMask(false))), context());
        assertFalse(Arrays.equals(together, plain));
    }

    /// In the middle of a round, and with a round that was written ahead.
    @Test
    void resumedRunKnowsWhatCouldBeDrawn() {
        for (int lag : new int[] {0, 1}) {
            UnaryOperator<GrpoConfig> ahead = c -> c.withLag(l -> l.withRolloutLag(lag));
            GrpoConfig config =
                    config("whole" + lag, ahead)
                            .withTraining(
                                    t -> t.withSave(v -> v.withSaveSteps(2).withSaveTotalLimit(9)));
            float[] whole = train(config, context());
            Path halfway = folder.resolve("whole" + lag).resolve("checkpoint-2");
            float[] resumed =
                    train(
                            config.withTraining(
                                    t ->
                                            t.withSave(
                                                    v ->
                                                            v.withResume(new Resume.From(halfway))
                                                                    .withOutputDir(
                                                                            folder.resolve(
                                                                                    "half"
                                                                                            + lag)))),
                            context());
            assertArrayEquals(whole, resumed, 0, "lag " + lag);
        }
    }
}
