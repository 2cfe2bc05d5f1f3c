package org.attune.trainers.setup;

import org.attune.datasets.PackedRow;
import org.attune.datasets.PreferenceExample;
import org.attune.datasets.PromptExample;
import org.attune.datasets.RewardExample;
import org.attune.datasets.StepwiseExample;
import org.attune.datasets.UnpairedExample;
import org.attune.files.HubCache;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.policy.StepMemory;
import org.attune.reward.RewardScorer;
import org.attune.reward.WeightedReward;
import org.attune.tensor.Engine;
import org.attune.trainers.BcoTrainer;
import org.attune.trainers.CompletionScorer;
import org.attune.trainers.DpoTrainer;
import org.attune.trainers.GrpoTrainer;
import org.attune.trainers.PhaseClock;
import org.attune.trainers.PrmTrainer;
import org.attune.trainers.RewardTrainer;
import org.attune.trainers.RunContext;
import org.attune.trainers.RunSummary;
import org.attune.trainers.SftTrainer;
import org.attune.trainers.StopSignal;
import org.attune.trainers.TrainingListener;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.BcoConfig;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.config.DpoConfig;
import org.attune.trainers.config.GrpoConfig;
import org.attune.trainers.config.PpoConfig;
import org.attune.trainers.config.PrmConfig;
import org.attune.trainers.config.RewardTrainerConfig;
import org.attune.trainers.config.SftConfig;
import org.attune.trainers.config.TrainingConfig;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;

/// Whole runs, from a configuration to files in `output_dir`.
/// ```
/// SftConfig config = SftConfig.defaults()
///         .withModel(ModelConfig.of("SmolLM2-135M-Instruct.Q4_1.gguf"))
///         .withLora(LoraSettings.allLinear(16, 32))
///         .withData(DataConfig.of("train.jsonl"))
///         .withTraining(t -> t.withSave(SaveConfig.to(Path.of("out"))));
/// RunSummary summary = Runs.with(new MetricsFile(Path.of("out"))).sft(config);
/// ```
///
/// @param hub where names of models and data sets are looked up
/// @param listeners told what happens, in this order
/// @param stop ends a run early, from any thread
public record Runs(HubCache hub, List<TrainingListener> listeners, StopSignal stop) {
    public Runs {
        listeners = List.copyOf(listeners);
    }

    /// With the environment's hub cache.
    public static Runs with(TrainingListener... listeners) {
        return new Runs(HubCache.ofEnvironment(), List.of(listeners), new StopSignal());
    }

    /// Supervised fine-tuning.
    ///
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public RunSummary sft(SftConfig config) {
        ConfigCheck.validate(config);
        var clock = new PhaseClock();
        return Engine.call(
                () -> {
                    try (var model = ModelSetup.open(config.model(), hub)) {
                        RunRows<PackedRow> rows;
                        PolicySetup policy;
                        try (var _ = clock.enter("load")) {
                            rows = new RowSetup(model.text(), hub).sft(config);
                            policy =
                                    PolicySetup.load(model, config.lora(), config.training(), true);
                        }
                        try (policy) {
                            RunContext context = context(model, policy, clock);
                            RowTokens tokens = tokens(rows, PackedRow::length, config.training());
                            return new SftTrainer(
                                            config.withTraining(t -> policy.fitToMemory(t, tokens)),
                                            policy.policy(),
                                            rows.train(),
                                            rows.evalSets(),
                                            context)
                                    .train();
                        }
                    }
                });
    }

    /// Direct preference optimisation.
    ///
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public RunSummary dpo(DpoConfig config) {
        ConfigCheck.validate(config);
        var clock = new PhaseClock();
        boolean dropout = !config.loss().disableDropout();
        return Engine.call(
                () -> {
                    try (var model = ModelSetup.open(config.model(), hub)) {
                        RunRows<PreferenceExample> rows;
                        PolicySetup policy;
                        try (var _ = clock.enter("load")) {
                            rows = new RowSetup(model.text(), hub).dpo(config);
                            policy =
                                    PolicySetup.load(
                                            model, config.lora(), config.training(), dropout);
                        }
                        try (policy;
                                var references = new ReferenceSetup(model, policy, hub)) {
                            Scorer reference =
                                    references.open(
                                            config.referenceKind(),
                                            config.model(),
                                            config.reference());
                            RowTokens tokens =
                                    tokens(rows, PreferenceExample::length, config.training());
                            return new DpoTrainer(
                                            config.withTraining(t -> policy.fitToMemory(t, tokens)),
                                            policy.policy(),
                                            reference,
                                            rows.train(),
                                            rows.evalSets(),
                                            context(model, policy, clock))
                                    .train();
                        }
                    }
                });
    }

    /// Binary classifier optimisation.
    ///
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public RunSummary bco(BcoConfig config) {
        ConfigCheck.validate(config);
        var clock = new PhaseClock();
        boolean dropout = !config.loss().disableDropout();
        return Engine.call(
                () -> {
                    try (var model = ModelSetup.open(config.model(), hub)) {
                        RunRows<UnpairedExample> rows;
                        PolicySetup policy;
                        try (var _ = clock.enter("load")) {
                            rows = new RowSetup(model.text(), hub).bco(config);
                            policy =
                                    PolicySetup.load(
                                            model, config.lora(), config.training(), dropout);
                        }
                        try (policy;
                                var references = new ReferenceSetup(model, policy, hub)) {
                            Scorer reference =
                                    references.open(
                                            config.referenceKind(),
                                            config.model(),
                                            config.reference());
                            RowTokens tokens =
                                    tokens(rows, UnpairedExample::length, config.training());
                            return new BcoTrainer(
                                            config.withTraining(t -> policy.fitToMemory(t, tokens)),
                                            policy.policy(),
                                            reference,
                                            model.text().tokenizer().padId(),
                                            rows.train(),
                                            rows.evalSets(),
                                            context(model, policy, clock))
                                    .train();
                        }
                    }
                });
    }

    /// Reward modelling.
    ///
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public RunSummary reward(RewardTrainerConfig config) {
        ConfigCheck.validate(config);
        var clock = new PhaseClock();
        boolean dropout = !config.loss().disableDropout();
        return Engine.call(
                () -> {
                    try (var model = ModelSetup.open(config.model(), hub)) {
                        RunRows<RewardExample> rows;
                        PolicySetup scorer;
                        try (var _ = clock.enter("load")) {
                            rows = new RowSetup(model.text(), hub).reward(config);
                            scorer =
                                    PolicySetup.loadScorer(
                                            ScorerPurpose.REWARD,
                                            model,
                                            config.lora(),
                                            config.training(),
                                            dropout);
                        }
                        try (scorer) {
                            RowTokens tokens =
                                    tokens(rows, RewardExample::length, config.training());
                            return new RewardTrainer(
                                            config.withTraining(t -> scorer.fitToMemory(t, tokens)),
                                            scorer.policy(),
                                            rows.train(),
                                            rows.evalSets(),
                                            context(model, scorer, clock))
                                    .train();
                        }
                    }
                });
    }

    /// Process reward modelling.
    ///
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public RunSummary prm(PrmConfig config) {
        ConfigCheck.validate(config);
        var clock = new PhaseClock();
        boolean dropout = !config.steps().disableDropout();
        return Engine.call(
                () -> {
                    try (var model = ModelSetup.open(config.model(), hub)) {
                        RunRows<StepwiseExample> rows;
                        PolicySetup scorer;
                        try (var _ = clock.enter("load")) {
                            rows = new RowSetup(model.text(), hub).prm(config);
                            scorer =
                                    PolicySetup.loadScorer(
                                            ScorerPurpose.PROCESS_REWARD,
                                            model,
                                            config.lora(),
                                            config.training(),
                                            dropout);
                        }
                        try (scorer) {
                            RowTokens tokens =
                                    tokens(rows, StepwiseExample::length, config.training());
                            RunContext context = context(model, scorer, clock);
                            var separator = new StepSeparator(config.steps().stepSeparator());
                            return new PrmTrainer(
                                            config.withTraining(t -> scorer.fitToMemory(t, tokens)),
                                            scorer.policy(),
                                            rows.train(),
                                            rows.evalSets(),
                                            context.withModel(separator.beside(context.model())))
                                    .train();
                        }
                    }
                });
    }

    /// Group-relative policy optimisation.
    ///
    /// @param directory where relative paths of rewards start, usually that of the configuration
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public RunSummary grpo(GrpoConfig config, Path directory) {
        ConfigCheck.validate(config);
        if (config.rewards().rewardFuncs().isEmpty()) {
            return grpo(config, Optional.empty(), _ -> {}, (_, _) -> {}); // the recorded ones
        }
        try (var rewards = RunRewards.open(config, directory, hub)) {
            return grpo(
                    config,
                    Optional.of(rewards),
                    rows -> RolloutSetup.requireColumns(rewards.requiredColumns(), rows),
                    rewards::load);
        }
    }

    /// As above, with reward functions of one's own in place of `reward_funcs`.
    ///
    /// @param rewards those that are [AutoCloseable] are closed at the end
    public RunSummary grpo(GrpoConfig config, List<WeightedReward> rewards) {
        ConfigCheck.validate(config);
        try (var scorer = new RewardScorer(rewards, RolloutSetup.limits(config))) {
            return grpo(config, scorer);
        }
    }

    private RunSummary grpo(GrpoConfig config, RewardScorer rewards) {
        return grpo(
                config,
                Optional.of(CompletionScorer.of(rewards)),
                rows -> RolloutSetup.requireColumns(rewards.requiredColumns(), rows),
                (_, _) -> {});
    }

    /// As above, with whatever judges completions in place of `reward_funcs`.
    public RunSummary grpo(GrpoConfig config, CompletionScorer rewards) {
        ConfigCheck.validate(config);
        return grpo(config, Optional.of(rewards), _ -> {}, (_, _) -> {});
    }

    private RunSummary grpo(
            GrpoConfig config,
            Optional<CompletionScorer> rewards,
            Consumer<RunRows<PromptExample>> check,
            BiConsumer<ModelSetup, Policy> judges) {
        var clock = new PhaseClock();
        boolean dropout = !config.loss().disableDropout();
        return Engine.call(
                () -> {
                    try (var model = ModelSetup.open(config.model(), hub)) {
                        RunRows<PromptExample> rows;
                        PolicySetup policy;
                        try (var _ = clock.enter("load")) {
                            rows =
                                    new RowSetup(model.text(), hub)
                                            .prompts(config.data(), config.training());
                            check.accept(rows);
                            policy =
                                    PolicySetup.load(
                                            model, config.lora(), config.training(), dropout);
                        }
                        try (policy;
                                var references = new ReferenceSetup(model, policy, hub)) {
                            judges.accept(model, policy.policy());
                            Optional<Scorer> reference = reference(config, references);
                            GrpoConfig fitted = fitted(config, policy, rows);
                            try (var source = RolloutSetup.source(fitted, model, policy)) {
                                return new GrpoTrainer(
                                                fitted,
                                                policy.policy(),
                                                reference,
                                                source.rollouts(),
                                                rewards.orElseGet(() -> source.rewards(config)),
                                                model.text().tokenizer(),
                                                rows.train(),
                                                rows.evalSets(),
                                                context(model, policy, clock))
                                        .train();
                            }
                        }
                    }
                });
    }

    /// Proximal policy optimisation.
    ///
    /// @param directory where relative paths of rewards and models start, usually that of the
    ///     configuration
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public RunSummary ppo(PpoConfig config, Path directory) {
        var run = new PpoRun(this, ConfigCheck.validate(config), directory);
        if (config.rewards().rewardFuncs().isEmpty()) {
            return run.run(Optional.empty(), _ -> {}, (_, _) -> {}); // the recorded ones
        }
        try (var rewards = RunRewards.open(config, directory, hub)) {
            return run.run(
                    Optional.of(rewards),
                    rows -> RolloutSetup.requireColumns(rewards.requiredColumns(), rows),
                    rewards::load);
        }
    }

    /// As above, with whatever judges completions in place of `reward_funcs`.
    public RunSummary ppo(PpoConfig config, CompletionScorer rewards) {
        var run = new PpoRun(this, ConfigCheck.validate(config), Path.of(""));
        return run.run(Optional.of(rewards), _ -> {}, (_, _) -> {});
    }

    /// When everything else is loaded.
    private static GrpoConfig fitted(
            GrpoConfig config, PolicySetup policy, RunRows<PromptExample> rows) {
        int completions =
                config.training().batch().perDeviceTrainBatchSize() * config.microBatchesPerRound();
        MemoryFit fit =
                policy.fitToMemory(
                        config.training(),
                        MemoryNeed.of(StepMemory.of(policy.policy())),
                        GrpoTrainer.rowTokens(config, rows.train()),
                        RolloutSetup.wish(config, policy, rows, completions));
        return config.withTraining(fit.training())
                .withGeneration(
                        g -> g.withGenerationSlots(fit.slots().orElse(g.generationSlots())));
    }

    /// What the KL term pulls to, if there is one.
    private static Optional<Scorer> reference(GrpoConfig config, ReferenceSetup references) {
        if (config.loss().beta() == 0) {
            return Optional.empty();
        }
        return Optional.of(
                references.open(
                        config.referenceKind(), config.model(), config.reference().asReference()));
    }

    private static <T> RowTokens tokens(
            RunRows<T> rows, ToIntFunction<T> length, TrainingConfig training) {
        int[] lengths = rows.train().stream().mapToInt(length).toArray();
        return RowTokens.of(lengths, training.batch().rowsOfStep());
    }

    private RunContext context(ModelSetup model, PolicySetup policy, PhaseClock clock) {
        return new RunContext(
                new TrainedModelWriter(model, policy.policy()),
                model.fingerprint(),
                model.sharesPrompts(),
                listeners,
                stop,
                clock);
    }
}
