package org.attune.trainers.testing;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.rows.RowOrigin;
import org.attune.policy.Policy;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.examples.KtoExample;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.RewardExample;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.examples.StepwiseExample;
import org.attune.trainers.examples.UnpairedExample;
import org.attune.trainers.grpo.GroupRows;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.grpo.GrpoTrainerTest;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.preference.DpoObjective;
import org.attune.trainers.referencefree.CpoConfig;
import org.attune.trainers.referencefree.ImitationObjectives;
import org.attune.trainers.referencefree.OrpoConfig;
import org.attune.trainers.referencefree.TpoConfig;
import org.attune.trainers.scoring.PrmConfig;
import org.attune.trainers.scoring.PrmObjective;
import org.attune.trainers.scoring.RewardObjective;
import org.attune.trainers.scoring.RewardTrainerConfig;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftObjective;
import org.attune.trainers.sft.SftTrainerTest;
import org.attune.trainers.unpaired.BcoConfig;
import org.attune.trainers.unpaired.BcoObjective;
import org.attune.trainers.unpaired.KtoConfig;
import org.attune.trainers.unpaired.KtoObjective;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// A trainer over a handful of rows that [TinyModels] know.
public interface TinyRun {
    /// Trains to the last step.
    RunSummary train(TrainingConfig training, Policy policy, RunContext context);

    TinyRun SFT = sft(SftTrainerTest.rows());

    /// Tokens that all rows begin with but those of [#SFT] and [#GRPO].
    List<Integer> SYSTEM = List.of(3, 1, 4, 1, 5, 9, 2, 6, 5, 3);

    private static int[] behindSystem(int[] ids) {
        return IntStream.concat(SYSTEM.stream().mapToInt(i -> i), Arrays.stream(ids)).toArray();
    }

    static TinyRun sft(List<PackedRow> rows) {
        return (training, policy, context) ->
                SftObjective.trainer(
                                SftConfig.defaults()
                                        .withModel(m -> m.withModelNameOrPath("tiny"))
                                        .withData(_ -> DataConfig.of("rows.jsonl"))
                                        .withTraining(training),
                                policy,
                                Optional.empty(),
                                rows,
                                List.of(),
                                context)
                        .train();
    }

    /// Two documents a row.
    static TinyRun packedSft() {
        return sft(
                pairs().stream()
                        .map(
                                p ->
                                        new PackedRow(
                                                List.of(
                                                        document(p.chosen()),
                                                        document(p.rejected()))))
                        .toList());
    }

    private static SftExample document(CompletionTokens tokens) {
        boolean[] mask = new boolean[tokens.length()];
        Arrays.fill(mask, tokens.completionStart() - 2, mask.length, true);
        return new SftExample(tokens.ids(), mask, new RowOrigin("rows.jsonl", 1, 0));
    }

    TinyRun DPO =
            (training, policy, context) -> {
                try (var frozen = TinyModels.decoder(TinyModels.tiedLlama())) {
                    return DpoObjective.trainer(
                                    DpoConfig.defaults()
                                            .withModel(m -> m.withModelNameOrPath("tiny"))
                                            .withData(_ -> DataConfig.of("pairs.jsonl"))
                                            .withTraining(training),
                                    policy,
                                    Policy.reference(frozen),
                                    pairs(),
                                    List.of(),
                                    context)
                            .train();
                }
            };

    TinyRun BCO =
            (training, policy, context) -> {
                try (var frozen = TinyModels.decoder(TinyModels.tiedLlama())) {
                    return BcoObjective.trainer(
                                    BcoConfig.defaults()
                                            .withModel(m -> m.withModelNameOrPath("tiny"))
                                            .withData(_ -> DataConfig.of("rows.jsonl"))
                                            .withLoss(l -> l.withTrlCompat(true))
                                            .withTraining(training),
                                    policy,
                                    Policy.reference(frozen),
                                    OptionalInt.of(0),
                                    unpaired(),
                                    List.of(),
                                    context)
                            .train();
                }
            };

    TinyRun KTO =
            (training, policy, context) -> {
                try (var frozen = TinyModels.decoder(TinyModels.tiedLlama())) {
                    return KtoObjective.trainer(
                                    KtoConfig.defaults()
                                            .withModel(m -> m.withModelNameOrPath("tiny"))
                                            .withData(_ -> DataConfig.of("rows.jsonl"))
                                            .withTraining(training),
                                    policy,
                                    Policy.reference(frozen),
                                    mismatched(),
                                    List.of(),
                                    context)
                            .train();
                }
            };

    TinyRun ORPO =
            (training, policy, context) ->
                    ImitationObjectives.orpo(
                                    OrpoConfig.defaults()
                                            .withModel(m -> m.withModelNameOrPath("tiny"))
                                            .withData(_ -> DataConfig.of("pairs.jsonl"))
                                            .withRows(r -> r.withTrlCompat(true))
                                            .withTraining(training),
                                    policy,
                                    imitations(
                                            p -> new CompletionTokens(p.chosen().ids(), 0), false),
                                    context)
                            .train();

    TinyRun CPO =
            (training, policy, context) ->
                    ImitationObjectives.cpo(
                                    CpoConfig.defaults()
                                            .withModel(m -> m.withModelNameOrPath("tiny"))
                                            .withData(_ -> DataConfig.of("pairs.jsonl"))
                                            .withTraining(training),
                                    policy,
                                    imitations(PreferenceExample::chosen, false),
                                    context)
                            .train();

    TinyRun TPO =
            (training, policy, context) ->
                    ImitationObjectives.tpo(
                                    TpoConfig.defaults()
                                            .withModel(m -> m.withModelNameOrPath("tiny"))
                                            .withData(_ -> DataConfig.of("pairs.jsonl"))
                                            .withTraining(training),
                                    policy,
                                    imitations(TinyRun::third, true),
                                    context)
                            .train();

    private static CompletionTokens third(PreferenceExample pair) {
        int start = pair.chosen().completionStart();
        int[] ids = Arrays.copyOf(pair.chosen().ids(), start + 2);
        ids[start] = 7;
        ids[start + 1] = 8;
        return new CompletionTokens(ids, start);
    }

    private static ImitationObjectives.Rows imitations(
            Function<PreferenceExample, CompletionTokens> imitated, boolean third) {
        return new ImitationObjectives.Rows(
                OptionalInt.of(0),
                pairs().stream()
                        .map(pair -> new ImitationPair(pair, imitated.apply(pair), third))
                        .toList(),
                List.of());
    }

    TinyRun REWARD =
            (training, policy, context) ->
                    RewardObjective.trainer(
                                    RewardTrainerConfig.defaults()
                                            .withModel(m -> m.withModelNameOrPath("tiny"))
                                            .withData(_ -> DataConfig.of("pairs.jsonl"))
                                            .withTraining(training),
                                    policy,
                                    pairs().stream().map(p -> new RewardExample(p, 0.25)).toList(),
                                    List.of(),
                                    context)
                            .train();

    TinyRun PRM =
            (training, policy, context) ->
                    PrmObjective.trainer(
                                    PrmConfig.defaults()
                                            .withModel(m -> m.withModelNameOrPath("tiny"))
                                            .withData(_ -> DataConfig.of("rows.jsonl"))
                                            .withTraining(training),
                                    policy,
                                    stepwise(),
                                    List.of(),
                                    context)
                            .train();

    TinyRun GRPO =
            (training, policy, context) -> {
                GrpoConfig config =
                        GrpoConfig.defaults()
                                .withModel(m -> m.withModelNameOrPath("tiny"))
                                .withData(_ -> DataConfig.of("data.jsonl"))
                                .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                                .withNumGenerations(2)
                                .withMaxCompletionLength(4)
                                .withTraining(training);
                return GroupRows.trainer(
                                config,
                                policy,
                                new RoundInputs(
                                        Optional.empty(),
                                        new Drawn(),
                                        batch -> GrpoTrainerTest.wanted(batch.completions()),
                                        TinyRollouts.tokenizer(),
                                        GrpoTrainerTest.prompts(),
                                        List.of()),
                                context)
                        .train();
            };

    /// Completions that follow from the round alone.
    record Drawn() implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> prompts, long round, FinishedListener listener) {
            var random = RandomSource.XO_RO_SHI_RO_128_PP.create(100 + round);
            return prompts.stream()
                    .map(
                            _ ->
                                    new SampledCompletion(
                                            random.ints(4, 1, 6).toArray(),
                                            new float[4],
                                            StopReason.MAX_TOKENS))
                    .toList();
        }

        @Override
        public List<SampledCompletion> completeHeldOut(
                List<RolloutPrompt> prompts, FinishedListener listener) {
            throw new AssertionError("nothing is held out");
        }

        @Override
        public boolean isOnPolicy() {
            return false;
        }
    }

    private static List<PreferenceExample> pairs() {
        int[][][] ids = {
            {{1, 2, 4, 9}, {1, 2, 5, 3, 8}},
            {{2, 6, 7, 11}, {2, 6}},
            {{4, 5, 12, 1}, {4, 5, 13}},
            {{14, 2, 3}, {15, 7, 6, 9}},
        };
        List<PreferenceExample> pairs = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            pairs.add(
                    new PreferenceExample(
                            new CompletionTokens(behindSystem(ids[i][0]), SYSTEM.size() + 1),
                            new CompletionTokens(behindSystem(ids[i][1]), SYSTEM.size() + 1),
                            new RowOrigin("pairs.jsonl", i + 1, i)));
        }
        return pairs;
    }

    private static List<UnpairedExample> unpaired() {
        return pairs().stream()
                .flatMap(
                        p ->
                                Stream.of(
                                        new UnpairedExample(p.chosen(), true, p.origin()),
                                        new UnpairedExample(p.rejected(), false, p.origin())))
                .toList();
    }

    private static List<KtoExample> mismatched() {
        List<UnpairedExample> rows = unpaired();
        return IntStream.range(0, rows.size())
                .mapToObj(
                        i ->
                                new KtoExample(
                                        rows.get(i),
                                        Optional.of(rows.get((i + 1) % rows.size()).tokens())))
                .toList();
    }

    private static List<StepwiseExample> stepwise() {
        List<StepwiseExample> rows = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            rows.add(
                    new StepwiseExample(
                            behindSystem(new int[] {1 + i, 2, 3 + i, 4, 5}),
                            List.of(
                                    new StepwiseExample.JudgedStep(SYSTEM.size() + 3, i % 2 == 0),
                                    new StepwiseExample.JudgedStep(SYSTEM.size() + 4, true)),
                            new RowOrigin("rows.jsonl", i + 1, i)));
        }
        return rows;
    }
}
