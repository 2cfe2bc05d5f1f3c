package org.attune.trainers.preference;

import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.policy.Scorer;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.LearningRateAdvice;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ReferenceContract;
import org.attune.trainers.testing.RowTrainerContract;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TrainerCase;
import org.attune.trainers.testing.TrainerCase.Given;
import org.attune.trainers.testing.TrainerCase.Start;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

class DpoTrainerTest
        implements RowTrainerContract<PreferenceExample>, ReferenceContract<PreferenceExample> {
    private static final int VOCABULARY = 7;

    @TempDir private Path folder;

    @Override
    public TrainerCase<PreferenceExample> trainerCase() {
        return new TrainerCase<>(
                pairs(),
                () -> BigramPolicy.seeded(VOCABULARY, 1),
                given -> start(c -> c, reference(), given),
                given -> start(c -> c.withLoss(l -> l.withBeta(0.2)), reference(), given),
                "beta",
                ShortRun.CUTS,
                given -> start(c -> c, reference(), given.poisoned(6)),
                "pairs.jsonl:4");
    }

    @Override
    public Map<String, TrainerCase<PreferenceExample>> forms() {
        Map<String, TrainerCase<PreferenceExample>> forms = new LinkedHashMap<>();
        for (DpoLossType loss :
                List.of(DpoLossType.SIGMOID, DpoLossType.IPO, DpoLossType.AOT, DpoLossType.SFT)) {
            UnaryOperator<DpoConfig> of = c -> c.withLoss(l -> l.withLossType(List.of(loss)));
            forms.put(loss.name(), trainerCase().starting(g -> start(of, reference(), g)));
        }
        return forms;
    }

    @Override
    public Start<PreferenceExample> precomputed(Scorer reference) {
        return given ->
                start(
                        c -> c.withReference(r -> r.withPrecomputeRefLogProbs(true)),
                        reference,
                        given);
    }

    private float[] start(
            UnaryOperator<DpoConfig> change, Scorer reference, Given<PreferenceExample> given) {
        DpoObjective.trainer(
                        config(change)
                                .withTraining(t -> given.training().apply(ShortRun.twoByTwo(t))),
                        given.policy(),
                        reference,
                        given.rows(),
                        evalSets(),
                        given.context())
                .train();
        return new float[0];
    }

    @Test
    void lossIsLn2WhenPolicyEqualsReference() {
        var listener = new RecordingListener();
        train(config(c -> c), pairs(), listener);
        assertEquals(Math.log(2), number(listener.logs.getFirst(), "loss"), 1e-12);
        assertEquals(0, number(listener.logs.getFirst(), "rewards/accuracies"));
        assertEquals(0, number(listener.logs.getFirst(), "rewards/margins"));
        assertTrue(number(listener.logs.getLast(), "loss") < Math.log(2));
        assertTrue(number(listener.logs.getLast(), "rewards/margins") > 0);
        for (Map<String, Object> logged : listener.logs) {
            assertEquals(listener.logs.getFirst().keySet(), logged.keySet(), "of every step");
        }
        assertEquals(1, listener.totals.size());
        assertTrue(listener.totals.getFirst().containsKey("train_loss"));
        RunSummary.Heldout heldout = listener.summary.heldout().orElseThrow();
        assertEquals("eval_preference_accuracy", heldout.metric());
        assertEquals(0.5, heldout.before().getAsDouble(), "ties count half");
        assertEquals(1, heldout.after().getAsDouble());
    }

    @Test
    void swappedPairsPushTheOtherWay() {
        float[] start = Engine.call(() -> valuesOf(BigramPolicy.seeded(VOCABULARY, 1)));
        float[] right = train(oneStep(), pairs(), new RecordingListener());
        float[] swapped =
                train(
                        oneStep(),
                        pairs().stream()
                                .map(
                                        p ->
                                                new PreferenceExample(
                                                        p.rejected(), p.chosen(), p.origin()))
                                .toList(),
                        new RecordingListener());
        for (int i = 0; i < start.length; i++) {
            assertEquals(right[i] - start[i], start[i] - swapped[i], 1e-5);
        }
    }

    /// As in TRL, which smooths no sigmoid; alone it is conservative DPO.
    @Test
    void smoothingBelongsToTheLossesThatTrlSmooths() {
        UnaryOperator<DpoLossConfig> smoothed = l -> l.withLabelSmoothing(0.1);
        DpoConfig alone = config(c -> c.withLoss(smoothed));
        assertEquals(
                new PreferenceLoss.Sigmoid(0.1, 0.1),
                DpoObjectives.of(alone).terms().getFirst().loss());
        List<DpoLossType> both = List.of(DpoLossType.SIGMOID, DpoLossType.EXO_PAIR);
        DpoConfig beside = alone.withLoss(l -> l.withLossType(both));
        assertEquals(
                List.of(new PreferenceLoss.Sigmoid(0.1, 0), new PreferenceLoss.ExoPair(0.1, 0.1)),
                DpoObjectives.of(beside).terms().stream()
                        .map(PreferenceObjective.Term::loss)
                        .toList());
    }

    @Test
    void weightingNeedsLossesOfSinglePairs() {
        DpoConfig weighted = config(c -> c.withVariant(v -> v.withUseWeighting(true)));
        train(weighted, pairs(), new RecordingListener());
        DpoConfig sorted = weighted.withLoss(l -> l.withLossType(List.of(DpoLossType.AOT)));
        var error =
                assertThrows(
                        ConfigException.class,
                        () -> train(sorted, pairs(), new RecordingListener()));
        assertTrue(error.getMessage().contains("use_weighting"), error.getMessage());
    }

    @Test
    void ratesThatCannotMoveAnAdapterAreWarnedOf() {
        assertTrue(LearningRateAdvice.warning("dpo", true, 1e-6).isPresent(), "TRL's default");
        assertTrue(LearningRateAdvice.warning("sft", true, 2e-5).isPresent(), "TRL's default");
        assertTrue(LearningRateAdvice.warning("dpo", true, 5e-6).isEmpty());
        assertTrue(LearningRateAdvice.warning("sft", true, 2e-4).isEmpty());
        assertTrue(LearningRateAdvice.warning("dpo", false, 1e-6).isEmpty(), "all weights");
    }

    private DpoConfig oneStep() {
        return config(
                c ->
                        c.withTraining(
                                t ->
                                        t.withSchedule(s -> s.withMaxSteps(1))
                                                .withOptimizer(o -> o.withMaxGradNorm(0))));
    }

    private float[] train(
            DpoConfig config, List<PreferenceExample> pairs, TrainingListener listener) {
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        DpoObjective.trainer(
                                        config,
                                        policy,
                                        policy.frozen(),
                                        pairs,
                                        evalSets(),
                                        context().withListeners(listener))
                                .train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    private static float[] valuesOf(BigramPolicy model) {
        try (model) {
            return model.parameters().values().toFloats();
        }
    }

    private RunContext context() {
        return RunContext.of(_ -> {});
    }

    private DpoConfig config(UnaryOperator<DpoConfig> change) {
        return config(change, "run");
    }

    /// 8 steps over all 6 pairs in file order, rate 0.01, everything logged.
    private DpoConfig config(UnaryOperator<DpoConfig> change, String output) {
        return change.apply(
                DpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("bigram"))
                        .withData(_ -> DataConfig.of("pairs.jsonl").withTestSplitSize(0.5))
                        .withTraining(t -> ShortRun.of(t, 8, 1e-2, folder.resolve(output))));
    }

    /// Prompts of one or two tokens; the chosen completions end in 0, the rejected ones in 3, or,
    /// in pair 4 alone, in 6.
    private static List<PreferenceExample> pairs() {
        int[][][] ids = {
            {{1, 2}, {4, 0}, {5, 3}},
            {{2}, {1, 1, 0}, {3}},
            {{4, 5}, {0}, {5, 5, 3}},
            {{1}, {2, 0}, {2, 6}},
            {{5}, {5, 0}, {4, 3}},
            {{3, 1}, {1, 0}, {2, 2, 3}},
        };
        List<PreferenceExample> pairs = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            pairs.add(
                    new PreferenceExample(
                            joined(ids[i][0], ids[i][1]),
                            joined(ids[i][0], ids[i][2]),
                            new RowOrigin("pairs.jsonl", i + 1, i)));
        }
        return pairs;
    }

    private static CompletionTokens joined(int[] prompt, int[] completion) {
        int[] all = Arrays.copyOf(prompt, prompt.length + completion.length);
        System.arraycopy(completion, 0, all, prompt.length, completion.length);
        return new CompletionTokens(all, prompt.length);
    }

    private static List<EvalSet<PreferenceExample>> evalSets() {
        return List.of(new EvalSet<>("", pairs().subList(0, 3)));
    }
}
