package org.attune.trainers.run;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.model.pass.Recomputation;
import org.attune.policy.Policy;
import org.attune.ranks.Collective;
import org.attune.ranks.SingleProcess;
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
import org.attune.testing.TinyModels;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.grpo.GroupRows;
import org.attune.trainers.grpo.GroupRun;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.grpo.GrpoTrainerTest;
import org.attune.trainers.grpo.RlooConfig;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RolloutRanks;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.onpolicy.LagConfig;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.testing.RankProcesses;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.SocketRanks;
import org.attune.trainers.testing.TinyRollouts;
import org.attune.trainers.testing.TinyRun;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// Short runs whose rounds are written ahead, as one process of several, for [LaggedRunsTest].
final class LaggedRuns {
    static final int STEPS = 6;
    static final int SAVED = 3;

    /// Where processes say when they write and when they train.
    static final String CLOCK = "clock.txt";

    /// The run "grpo" without a lag, which one process makes.
    static final String NOW = "grpo_now";

    static final String GRPO = "grpo";

    private static final int DEVICES = 2;
    private static final int MILLIS = 300;

    private LaggedRuns() {}

    /// What processes do.
    ///
    /// @param name of the folder that it goes to
    /// @param writers `rollout_ranks`
    /// @param way to make the runs
    record Order(String name, int writers, Way way) {
        private static final int ARGUMENTS = 3;

        static Order of(List<String> words) {
            return new Order(
                    words.get(0), Integer.parseInt(words.get(1)), Way.valueOf(words.get(2)));
        }

        Stream<String> arguments() {
            return Stream.of(name, "" + writers, way.name());
        }
    }

    /// How runs are made.
    enum Way {
        FROM_THE_START,
        /// From a checkpoint in the folder.
        GOES_ON,
        /// One run, which takes its time where it writes and where it trains.
        SLOWLY
    }

    /// @param arguments folder, the file by which processes meet, rank, number of ranks, and those
    ///     of orders
    static void main(String... arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        Path meeting = Path.of(arguments[1]);
        int rank = Integer.parseInt(arguments[2]);
        int size = Integer.parseInt(arguments[3]);
        try (Collective ranks =
                size == 1 ? new SingleProcess() : new SocketRanks(rank, size, meeting)) {
            for (Order order : RankProcesses.orders(arguments, Order.ARGUMENTS, Order::of)) {
                run(folder.resolve(order.name()), ranks, size, order);
            }
        }
    }

    private static void run(Path folder, Collective ranks, int size, Order order) {
        Map<String, TinyRun> runs = runs(folder, order.writers(), order.way() == Way.SLOWLY);
        if (size > 1 || order.way() != Way.FROM_THE_START) {
            runs.remove(NOW);
        }
        if (order.way() == Way.SLOWLY) {
            runs.keySet().retainAll(List.of(GRPO));
        }
        for (var run : runs.entrySet()) {
            Path output = folder.resolve(run.getKey());
            TrainingConfig training = training(output, order.way() == Way.GOES_ON);
            train(run.getValue(), training, order.writers(), ranks);
        }
    }

    /// By name.
    private static Map<String, TinyRun> runs(Path folder, int writers, boolean slowly) {
        LagConfig lag = LagConfig.defaults().withRolloutLag(1).withRolloutRanks(writers);
        Function<Policy, RolloutSource> source =
                policy -> new Slow(source(policy), folder.resolve(GRPO), slowly);
        Map<String, TinyRun> runs = new TreeMap<>();
        runs.put(GRPO, grpo(c -> c.withLag(lag), source));
        runs.put(NOW, grpo(c -> c, source));
        LagConfig two = lag.withRolloutLag(2);
        runs.put("online_dpo", TinyRollouts.onlineDpo(c -> c.withLag(two), source));
        runs.put("ppo", TinyRollouts.ppo(c -> c.withLag(lag), source));
        runs.put("ppo_head", TinyRollouts.ppoWithHead(c -> c.withLag(lag), source));
        runs.put("rloo", rloo(lag, source));
        LagConfig goesOn = lag.withMaxStaleness(2).withMaxInflightTasks(6);
        runs.put("grpo_ongoing", grpo(c -> c.withLag(goesOn), source));
        LagConfig rarely = goesOn.withMaxStaleness(3).withWeightSyncSteps(2);
        runs.put("ppo_ongoing", TinyRollouts.ppo(c -> c.withLag(rarely), source));
        runs.put(
                "online_dpo_ongoing",
                TinyRollouts.onlineDpo(c -> c.withLag(goesOn.withRolloutLag(2)), source));
        return runs;
    }

    /// Names of runs with a lag.
    static Set<String> names() {
        Set<String> names = new TreeSet<>(runs(Path.of(""), 0, false).keySet());
        names.remove(NOW);
        return names;
    }

    private static TinyRun grpo(
            UnaryOperator<GrpoConfig> change, Function<Policy, RolloutSource> source) {
        return (training, policy, context) ->
                train(
                        change.apply(
                                GrpoConfig.defaults()
                                        .withModel(m -> m.withModelNameOrPath("tiny"))
                                        .withData(_ -> DataConfig.of("data.jsonl"))
                                        .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                                        .withNumGenerations(2)
                                        .withMaxCompletionLength(6)
                                        .withTraining(training)),
                        policy,
                        source.apply(policy),
                        context);
    }

    private static TinyRun rloo(LagConfig lag, Function<Policy, RolloutSource> source) {
        return (training, policy, context) ->
                train(
                        RlooConfig.defaults()
                                .withModel(m -> m.withModelNameOrPath("tiny"))
                                .withData(_ -> DataConfig.of("data.jsonl"))
                                .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                                .withLoss(l -> l.withBeta(0.1))
                                .withNumGenerations(2)
                                .withMaxCompletionLength(6)
                                .withRounds(r -> r.withNumIterations(2))
                                .withLag(lag)
                                .withTraining(training),
                        policy,
                        source.apply(policy),
                        context);
    }

    /// Which differ whatever is written.
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

    private static RunSummary train(
            GroupRun config, Policy policy, RolloutSource source, RunContext context) {
        try (var frozen = TinyModels.decoder(TinyModels.tiedLlama())) {
            return GroupRows.trainer(
                            config,
                            policy,
                            new RoundInputs(
                                    Optional.of(Policy.reference(frozen)),
                                    source,
                                    batch -> rewards(batch.completions()),
                                    TinyRollouts.tokenizer(),
                                    GrpoTrainerTest.prompts(),
                                    List.of()),
                            context)
                    .train();
        }
    }

    private static TrainingConfig training(Path output, boolean resumes) {
        return ShortRun.of(SftConfig.defaults().training(), STEPS, 1e-2, output)
                .withBatch(
                        b ->
                                b.withPerDeviceTrainBatchSize(2)
                                        .withLogicalDevices(DEVICES)
                                        .withTrainSamplingStrategy(SamplingStrategy.RANDOM)
                                        .withTokensPerMicroBatch(40))
                .withRanks(r -> r.withCheckRanksSteps(2))
                .withSave(
                        s ->
                                s.withSaveSteps(SAVED)
                                        .withSaveTotalLimit(10)
                                        .withResume(
                                                resumes
                                                        ? new Resume.From(
                                                                output.resolve(
                                                                        "checkpoint-" + SAVED))
                                                        : new Resume.No()));
    }

    private static void train(TinyRun run, TrainingConfig training, int writers, Collective ranks) {
        Path output = training.save().outputDir();
        Engine.call(
                () -> {
                    var options = new Policy.Options(Recomputation.NONE, true, 7, false);
                    var lora = LoraConfig.of(4, 8, 0.1, ModuleSelection.of("all-linear"));
                    var random = RandomSource.XO_RO_SHI_RO_128_PP.create(1L);
                    try (var decoder = TinyModels.decoder(TinyModels.tiedLlama());
                            var policy = Policy.withFreshAdapter(decoder, lora, random, options);
                            var parted = RolloutRanks.of(ranks, writers).orElse(null)) {
                        RunContext all =
                                RunContext.of(path -> policy.saveAdapter(path, "tiny"))
                                        .withRanks(ranks)
                                        .withListeners(
                                                List.of(
                                                        new MetricsFile(output),
                                                        new Clock(output)));
                        return run.train(training, policy, parted == null ? all : parted.in(all));
                    }
                });
    }

    private static RolloutSource source(Policy policy) {
        var generator = new Generator(policy.decoder(), policy.adapterInUse(), Optional.empty(), 8);
        var even = new SamplingConfig.Distribution(1, 0, 0, 1, 0, 1, 0, 1);
        SamplingConfig sampling = SamplingConfig.of(even, 6, Set.of(0), 5);
        return new EngineRollouts(generator, generator, sampling, sampling);
    }

    private static void note(Path output, String what, long from) {
        try {
            Files.createDirectories(output);
            Files.writeString(
                    output.resolve(CLOCK),
                    "%s %d %d\n".formatted(what, from, System.currentTimeMillis()),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Writes when rounds are written, and takes its time.
    private record Slow(RolloutSource own, Path output, boolean slowly) implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> prompts, long round, FinishedListener listener) {
            long from = System.currentTimeMillis();
            List<SampledCompletion> completions = own.complete(prompts, round, listener);
            if (slowly) {
                pause();
                note(output, "written " + round / DEVICES, from);
            }
            return completions;
        }

        @Override
        public void goOn(OngoingCompletions ongoing) {
            own.goOn(ongoing);
        }

        @Override
        public boolean isOnPolicy() {
            return true;
        }
    }

    /// Writes when rounds are learned from, and takes its time where writers do.
    private static final class Clock implements TrainingListener {
        private final Path output;
        private long round;
        private long from;

        Clock(Path output) {
            this.output = output;
        }

        @Override
        public void onCompletions(long number, CompletionTable table) {
            round = number;
            from = System.currentTimeMillis();
        }

        @Override
        public void onStep(int step, long tokens, PhaseClock clock) {
            if (Files.exists(output.resolve(CLOCK))) {
                pause();
                note(output, "trained " + round, from);
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(MILLIS);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
