package org.attune.trainers.testing;

import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyBoolean;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.datasets.rows.RowOrigin;
import org.attune.episode.EndReason;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ScoreKind;
import org.attune.model.layer.Adapter;
import org.attune.model.source.FreshScore;
import org.attune.policy.Policy;
import org.attune.policy.ValueHead;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.testing.TinyModels;
import org.attune.text.Tokenizer;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.distillation.DistillationConfig;
import org.attune.trainers.distillation.DistilledRows;
import org.attune.trainers.distillation.GkdConfig;
import org.attune.trainers.distillation.TeacherModel;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.grpo.GroupRows;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.grpo.GrpoTrainerTest;
import org.attune.trainers.loop.Critic;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.online.JudgedPairs;
import org.attune.trainers.online.OnlineDpoConfig;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.ppo.PpoConfig;
import org.attune.trainers.ppo.PpoTrainer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/// Trainers that generate, over a handful of prompts that [TinyModels] know. What is "generated"
/// follows from the round alone.
public final class TinyRollouts {
    private TinyRollouts() {}

    /// Decodes everything to the same text.
    public static Tokenizer tokenizer() {
        Tokenizer tokenizer = mock();
        when(tokenizer.decode(any(), anyBoolean())).thenReturn("text");
        return tokenizer;
    }

    /// GRPO of episodes with a tool's answer, of which some fail, and which their environment
    /// rewards where the round says so.
    public static TinyRun grpoOfEpisodes() {
        return (training, policy, context) ->
                GroupRows.trainer(
                                GrpoConfig.defaults()
                                        .withModel(m -> m.withModelNameOrPath("tiny"))
                                        .withData(_ -> DataConfig.of("data.jsonl"))
                                        .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                                        .withNumGenerations(2)
                                        .withMaxCompletionLength(9)
                                        .withTraining(training),
                                policy,
                                new RoundInputs(
                                        Optional.empty(),
                                        new Told(),
                                        batch -> GrpoTrainerTest.wanted(batch.completions()),
                                        tokenizer(),
                                        GrpoTrainerTest.prompts(),
                                        List.of()),
                                context)
                        .train();
    }

    /// Episodes that follow from the round alone.
    private record Told() implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> prompts, long round, FinishedListener listener) {
            var random = RandomSource.XO_RO_SHI_RO_128_PP.create(100 + round);
            List<SampledCompletion> told = new ArrayList<>();
            for (RolloutPrompt prompt : prompts) {
                Episodes episode =
                        Episodes.of(prompt.ids())
                                .turn(random.ints(2, 1, 6).toArray(), new int[] {6, 5}, "f", "x")
                                .turn(random.ints(3, 1, 6).toArray(), "answer");
                if (round % 3 == 0) {
                    episode.reward("Counter", random.nextDouble());
                }
                boolean fails = random.nextInt(6) == 0;
                told.add(
                        SampledCompletion.of(
                                episode.ended(fails ? EndReason.FAILED : EndReason.ANSWERED),
                                StopReason.STOP_TOKEN));
            }
            return told;
        }

        @Override
        public boolean isOnPolicy() {
            return false;
        }
    }

    public static TinyRun onlineDpo() {
        return onlineDpo(c -> c, _ -> new TinyRun.Drawn());
    }

    /// The same with other settings and completions.
    public static TinyRun onlineDpo(
            UnaryOperator<OnlineDpoConfig> change, Function<Policy, RolloutSource> source) {
        return (training, policy, context) -> {
            try (var frozen = TinyModels.decoder(TinyModels.tiedLlama())) {
                return JudgedPairs.trainer(
                                change.apply(
                                        OnlineDpoConfig.defaults()
                                                .withModel(m -> m.withModelNameOrPath("tiny"))
                                                .withData(_ -> DataConfig.of("data.jsonl"))
                                                .withRewards(
                                                        r -> r.withRewardFuncs(List.of("wanted")))
                                                .withTraining(training)),
                                policy,
                                new RoundInputs(
                                        Optional.of(Policy.reference(frozen)),
                                        source.apply(policy),
                                        batch -> GrpoTrainerTest.wanted(batch.completions()),
                                        tokenizer(),
                                        GrpoTrainerTest.prompts(),
                                        List.of()),
                                context)
                        .train();
            }
        };
    }

    /// Half of the micro-batches are the student's, the others the data's.
    public static TinyRun gkd() {
        return (training, policy, context) -> {
            try (var lecturer = TinyModels.decoder(TinyModels.tiedLlama())) {
                return DistilledRows.gkd(
                                GkdConfig.defaults()
                                        .withModel(m -> m.withModelNameOrPath("tiny"))
                                        .withData(_ -> DataConfig.of("rows.jsonl"))
                                        .withTeacher(t -> t.withTeacherModelNameOrPath("teacher"))
                                        .withLoss(l -> l.withLmbda(0.5))
                                        .withTraining(training),
                                policy,
                                TeacherModel.of(lecturer, Adapter.OFF),
                                new DistilledRows.Writers(
                                        Optional.of(new TinyRun.Drawn()), Optional.empty()),
                                rows(),
                                List.of(),
                                context)
                        .train();
            }
        };
    }

    private static List<CompletionExample> rows() {
        List<CompletionExample> rows = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            int[] ids =
                    IntStream.range(0, 5 + i % 3)
                            .map(t -> 1 + (t * (rows.size() + 2)) % 11)
                            .toArray();
            rows.add(
                    new CompletionExample(
                            new CompletionTokens(ids, 2 + i % 2),
                            new RowOrigin("rows.jsonl", i + 1, i)));
        }
        return rows;
    }

    public static TinyRun distillation() {
        return (training, policy, context) -> {
            try (var lecturer = TinyModels.decoder(TinyModels.tiedLlama())) {
                return DistilledRows.onPolicy(
                                DistillationConfig.defaults()
                                        .withModel(m -> m.withModelNameOrPath("tiny"))
                                        .withData(_ -> DataConfig.of("data.jsonl"))
                                        .withTeacher(t -> t.withTeacherModelNameOrPath("teacher"))
                                        .withTraining(training),
                                policy,
                                TeacherModel.of(lecturer, Adapter.OFF),
                                new TinyRun.Drawn(),
                                tokenizer(),
                                GrpoTrainerTest.prompts(),
                                List.of(),
                                context)
                        .train();
            }
        };
    }

    /// The critic is another network.
    public static TinyRun ppo() {
        return ppo(c -> c, _ -> new TinyRun.Drawn());
    }

    /// The same with other settings and completions.
    public static TinyRun ppo(
            UnaryOperator<PpoConfig> change, Function<Policy, RolloutSource> source) {
        return (training, policy, context) -> {
            DecoderConfig scores = TinyModels.tiedLlama().withScores(ScoreKind.SEQUENCE, 1);
            try (var decoder = TinyModels.decoder(scores);
                    var critic =
                            Policy.withFreshAdapter(
                                    decoder,
                                    LoraConfig.of(4, 8, 0, ModuleSelection.of("all-linear")),
                                    RandomSource.XO_RO_SHI_RO_128_PP.create(2L),
                                    Policy.Options.defaults())) {
                return ppo(
                        change.apply(ppoOf(training)),
                        policy,
                        new Critic.Network(critic),
                        source.apply(policy),
                        context);
            }
        };
    }

    /// The critic is a head on the trunk of the policy.
    public static TinyRun ppoWithHead() {
        return ppoWithHead(c -> c, _ -> new TinyRun.Drawn());
    }

    /// The same with other settings and completions.
    public static TinyRun ppoWithHead(
            UnaryOperator<PpoConfig> change, Function<Policy, RolloutSource> source) {
        return (training, policy, context) -> {
            DecoderConfig model = TinyModels.tiedLlama();
            var start =
                    new FreshScore(
                            TinyModels.weights(model),
                            model.withLabels(1),
                            0.3,
                            RandomSource.XO_SHI_RO_256_PP.create(5));
            try (var decoder = TinyModels.decoder(model);
                    var head = new ValueHead(decoder, start)) {
                policy.attach(head);
                return ppo(
                        change.apply(ppoOf(training)),
                        policy,
                        new Critic.Head(head.parameters()),
                        source.apply(policy),
                        context);
            }
        };
    }

    private static PpoConfig ppoOf(TrainingConfig training) {
        return PpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("tiny"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                .withMaxCompletionLength(5)
                .withUpdates(u -> u.withNumMiniBatches(2).withNumPpoEpochs(2))
                .withTraining(training);
    }

    private static RunSummary ppo(
            PpoConfig config,
            Policy policy,
            Critic critic,
            RolloutSource source,
            RunContext context) {
        try (var frozen = TinyModels.decoder(TinyModels.tiedLlama())) {
            return new PpoTrainer(
                            config,
                            policy,
                            critic,
                            new RoundInputs(
                                    Optional.of(Policy.reference(frozen)),
                                    source,
                                    batch -> GrpoTrainerTest.wanted(batch.completions()),
                                    tokenizer(),
                                    GrpoTrainerTest.prompts(),
                                    List.of()),
                            context)
                    .train();
        }
    }
}
