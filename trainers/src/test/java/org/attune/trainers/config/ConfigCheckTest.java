package org.attune.trainers.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.models.ModelConfig;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.onpolicy.RolloutReferenceConfig;
import org.attune.trainers.ppo.PpoConfig;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.preference.DpoLossType;
import org.attune.trainers.preference.FDivergence;
import org.attune.trainers.prepare.TruncationMode;
import org.attune.trainers.scoring.PrmConfig;
import org.attune.trainers.scoring.RewardTrainerConfig;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftLossType;
import org.attune.trainers.unpaired.BcoConfig;
import org.attune.trainers.unpaired.KtoConfig;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;

class ConfigCheckTest {
    private static SftConfig sft() {
        return SftConfig.defaults()
                .withModel(ModelConfig.of("model"))
                .withData(DataConfig.of("train.jsonl"))
                .withTraining(t -> t.withSave(SaveConfig.to(Path.of("out"))));
    }

    private static DpoConfig dpo() {
        return DpoConfig.defaults()
                .withModel(ModelConfig.of("model"))
                .withData(DataConfig.of("train.jsonl"))
                .withTraining(t -> t.withSave(SaveConfig.to(Path.of("out"))));
    }

    private static List<String> keys(Record config) {
        return ConfigCheck.problems(config).stream().map(ConfigProblem::key).toList();
    }

    @Test
    void completeConfigPasses() {
        SftConfig config = sft();
        assertSame(config, ConfigCheck.validate(config));
        assertEquals(List.of(), ConfigCheck.problems(dpo()));
    }

    @Test
    void whatHasNoDefaultIsAskedFor() {
        assertEquals(List.of("datasets", "model_name_or_path"), keys(SftConfig.defaults()));
        assertEquals(
                List.of("output_dir"),
                keys(sft().withTraining(t -> t.withSave(SaveConfig.defaults()))));
    }

    @Test
    void allProblemsComeAtOnceWithKeyValueAndRange() {
        DpoConfig config =
                dpo().withLoss(x -> x.withBeta(0).withLabelSmoothing(0.5))
                        .withLora(x -> x.withLoraR(0))
                        .withTraining(t -> t.withOptimizer(o -> o.withLearningRate(Double.NaN)));
        String message =
                assertThrows(ConfigException.class, () -> ConfigCheck.validate(config))
                        .getMessage();
        assertEquals(
                """
                4 problems:
                  beta: 0.0; accepted: a finite number > 0
                  label_smoothing: 0.5; accepted: a number in [0, 0.5)
                  learning_rate: NaN; accepted: a finite number >= 0
                  lora_r: 0; accepted: a whole number >= 1\
                """,
                message);
    }

    @Test
    void nanAndInfinityNeverPass() {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            assertEquals(List.of("beta"), keys(dpo().withLoss(x -> x.withBeta(bad))));
            assertEquals(
                    List.of("loss_weights[0]"),
                    keys(dpo().withLoss(x -> x.withLossWeights(List.of(bad)))));
            assertEquals(
                    List.of("eval_steps"),
                    keys(sft().withTraining(t -> t.withEval(e -> e.withEvalSteps(bad)))));
            assertEquals(
                    List.of("test_split_size"),
                    keys(sft().withData(d -> d.withTestSplitSize(bad))));
        }
    }

    @Test
    void aStreamNeedsALengthAndHasNoTenth() {
        SftConfig stream = sft().withData(d -> d.withStreaming(true).withTestSplitSize(0.1));
        assertEquals(List.of("max_steps", "test_split_size"), keys(stream));
        assertEquals(
                List.of("max_grad_norm", "optimizer_in_bwd"),
                keys(
                        sft().withData(d -> d.withStreaming(true))
                                .withTraining(
                                        t ->
                                                t.withSchedule(s -> s.withMaxSteps(3))
                                                        .withOptimizer(
                                                                o -> o.withOptimizerInBwd(true)))));
    }

    @Test
    void elementsOfListsAreNamedByTheirPlace() {
        assertEquals(
                List.of("datasets[1].path"), keys(sft().withData(DataConfig.of("a.jsonl", ""))));
        assertEquals(List.of("max_length"), keys(sft().withLength(x -> x.withMaxLength(0))));
    }

    @Test
    void aReferenceThatMovesMustHaveWhatMoves() {
        UnaryOperator<ReferenceConfig> moving = r -> r.withSync(s -> s.withSyncRefModel(true));
        DpoConfig peft = dpo().withLora(l -> l.withUsePeft(true)).withReference(moving);
        assertEquals(List.of(), keys(dpo().withReference(moving)));
        assertEquals(List.of(), keys(peft));
        List<DpoConfig> refused =
                List.of(
                        peft.withReference(r -> r.withPrecomputeRefLogProbs(true)),
                        peft.withReference(r -> r.withReference(ReferenceKind.PRECOMPUTED)),
                        peft.withReference(r -> r.withRefModelNameOrPath("other")),
                        peft.withModel(m -> m.withAdapterNameOrPath("given"))
                                .withReference(r -> r.withReference(ReferenceKind.ADAPTER_OFF)));
        refused.forEach(config -> assertEquals(List.of("sync_ref_model"), keys(config)));
        UnaryOperator<RolloutReferenceConfig> online =
                r -> r.withSync(s -> s.withSyncRefModel(true));
        assertTrue(
                GrpoConfig.defaults().withReference(online).crossFieldProblems().stream()
                        .anyMatch(q -> q.key().equals("sync_ref_model")),
                "beta is 0");
        assertEquals(
                List.of("ref_model_mixup_alpha", "ref_model_sync_steps"),
                keys(
                        dpo().withReference(
                                        r ->
                                                r.withSync(
                                                        s ->
                                                                s.withRefModelMixupAlpha(1.5)
                                                                        .withRefModelSyncSteps(
                                                                                0)))));
    }

    private static TrainingConfig inBackward(TrainingConfig t) {
        return t.withOptimizer(o -> o.withMaxGradNorm(0).withOptimizerInBwd(true));
    }

    @Test
    void updatesInTheBackwardPassAreForAllWeights() {
        UnaryOperator<TrainingConfig> change = ConfigCheckTest::inBackward;
        UnaryOperator<LoraSettings> peft = l -> l.withUsePeft(true);
        assertEquals(List.of(), keys(sft().withTraining(change)));
        List<CrossChecked> adapters =
                List.of(
                        sft().withTraining(change).withLora(peft),
                        sft().withTraining(change)
                                .withModel(m -> m.withAdapterNameOrPath("adapter")),
                        dpo().withTraining(change).withLora(peft),
                        RewardTrainerConfig.defaults().withTraining(change).withLora(peft),
                        PrmConfig.defaults().withTraining(change).withLora(peft),
                        BcoConfig.defaults().withTraining(change).withLora(peft),
                        KtoConfig.defaults().withTraining(change).withLora(peft),
                        GrpoConfig.defaults().withTraining(change).withLora(peft),
                        PpoConfig.defaults().withTraining(change));
        for (CrossChecked config : adapters) {
            List<String> keys =
                    config.crossFieldProblems().stream().map(ConfigProblem::key).toList();
            assertTrue(keys.contains("optimizer_in_bwd"), keys + " of " + config);
        }
        assertEquals(
                List.of(
                        "optimizer_in_bwd: true; accepted: false with use_peft: true: the gradients"
                                + " of an adapter are small; true is for training all weights"),
                adapters.getFirst().crossFieldProblems().stream()
                        .map(ConfigProblem::toString)
                        .toList());
    }

    @Test
    void smoothedLabelsNeedALossThatKnowsThem() {
        assertEquals(
                List.of("label_smoothing"),
                keys(
                        dpo().withLoss(
                                        x ->
                                                x.withLossType(
                                                                List.of(
                                                                        DpoLossType.HINGE,
                                                                        DpoLossType.IPO))
                                                        .withLabelSmoothing(0.1))));
        assertEquals(
                List.of(),
                keys(
                        dpo().withLoss(
                                        x ->
                                                x.withLossType(
                                                                List.of(
                                                                        DpoLossType.HINGE,
                                                                        DpoLossType.SIGMOID))
                                                        .withLabelSmoothing(0.1))));
    }

    @Test
    void valuesMustFitEachOther() {
        assertEquals(
                List.of("loss_weights"),
                keys(dpo().withLoss(x -> x.withLossWeights(List.of(0.5, 0.5)))));
        assertEquals(
                List.of("label_smoothing"),
                keys(dpo().withLoss(x -> x.withLossType(List.of(DpoLossType.EXO_PAIR)))));
        assertEquals(
                List.of("reference"),
                keys(dpo().withReference(x -> x.withReference(ReferenceKind.ADAPTER_OFF))));
        assertEquals(
                List.of("f_divergence_type"),
                keys(
                        dpo().withLoss(x -> x.withLossType(List.of(DpoLossType.APO_ZERO)))
                                .withVariant(x -> x.withFDivergenceType(FDivergence.FORWARD_KL))));
        assertEquals(
                List.of("eval_strategy"),
                keys(
                        sft().withTraining(
                                        t ->
                                                t.withEval(
                                                        e ->
                                                                e.withEvalStrategy(
                                                                        IntervalStrategy.EPOCH)))));
        assertEquals(
                List.of("eval_on_start"),
                keys(sft().withTraining(t -> t.withEval(e -> e.withEvalOnStart(true)))));
        assertEquals(
                List.of("label_smoothing_factor"),
                keys(
                        sft().withLoss(
                                        x ->
                                                x.withLossType(SftLossType.DFT)
                                                        .withLabelSmoothingFactor(0.1))));
        assertEquals(
                List.of("max_length"),
                keys(
                        sft().withRows(r -> r.withPacking(true))
                                .withLength(
                                        new LengthConfig(
                                                OptionalInt.empty(), TruncationMode.KEEP_START))));
        assertEquals(
                List.of("warmup_ratio"),
                keys(
                        sft().withTraining(
                                        t ->
                                                t.withSchedule(
                                                        s ->
                                                                s.withWarmupRatio(0.1)
                                                                        .withWarmupSteps(3)))));
    }

    @Test
    void nullIsAProblemNotACrash() {
        assertEquals(List.of("device"), keys(sft().withModel(m -> m.withDevice(null))));
    }

    @Test
    void referenceFollowsTheKindOfRun() {
        assertEquals(ReferenceKind.MODEL, dpo().referenceKind());
        assertEquals(
                ReferenceKind.ADAPTER_OFF,
                dpo().withLora(x -> x.withUsePeft(true)).referenceKind());
        assertEquals(
                ReferenceKind.START_ADAPTER,
                dpo().withModel(m -> m.withAdapterNameOrPath("a")).referenceKind());
        DpoConfig precomputed =
                dpo().withReference(x -> x.withReference(ReferenceKind.PRECOMPUTED));
        assertEquals(ReferenceKind.MODEL, precomputed.referenceKind());
        assertTrue(precomputed.precomputesReference());
    }

    @Test
    void sharesBecomeSteps() {
        assertEquals(500, SaveConfig.defaults().saveInterval(10_000));
        assertEquals(3, SaveConfig.defaults().withSaveSteps(0.25).saveInterval(10));
        ScheduleConfig schedule = ScheduleConfig.defaults();
        assertEquals(0, schedule.warmupStepsOf(100));
        assertEquals(7, schedule.withWarmupSteps(7).warmupStepsOf(100));
        assertEquals(4, schedule.withWarmupSteps(0.031).warmupStepsOf(100));
        assertEquals(4, schedule.withWarmupRatio(0.031).warmupStepsOf(100));
        assertEquals(10, EvalConfig.defaults().evalInterval(100, 10));
    }

    @Test
    void keysAreSnakeCaseAndDigitsStay() {
        assertEquals("adam_beta1", ConfigNames.key("adamBeta1"));
        assertEquals("model_name_or_path", ConfigNames.key("modelNameOrPath"));
        assertEquals("keep_start", ConfigNames.wireName(TruncationMode.KEEP_START));
        assertEquals(Optional.empty(), ModelConfig.defaults().eosToken());
    }
}
