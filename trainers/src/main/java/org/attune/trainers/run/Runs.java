package org.attune.trainers.run;

import org.attune.datasets.examples.PackedRow;
import org.attune.datasets.examples.PreferenceExample;
import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.examples.RewardExample;
import org.attune.datasets.examples.StepwiseExample;
import org.attune.datasets.examples.UnpairedExample;
import org.attune.files.HubCache;
import org.attune.models.ModelSetup;
import org.attune.models.ScorerPurpose;
import org.attune.models.StepSeparator;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.policy.StepMemory;
import org.attune.reward.RewardScorer;
import org.attune.reward.WeightedReward;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.grpo.GrpoTrainer;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.memory.KeptActivations;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.memory.MemoryNeed;
import org.attune.trainers.onpolicy.CompletionScorer;
import org.attune.trainers.ppo.PpoConfig;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.preference.DpoObjective;
import org.attune.trainers.scoring.PrmConfig;
import org.attune.trainers.scoring.PrmObjective;
import org.attune.trainers.scoring.RewardObjective;
import org.attune.trainers.scoring.RewardTrainerConfig;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftObjective;
import org.attune.trainers.unpaired.BcoConfig;
import org.attune.trainers.unpaired.BcoObjective;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

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
    private static final Logger LOG = LoggerFactory.getLogger(Runs.class);

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
        return OpenedRun.train(
                this,
                config.model(),
                setup -> setup.sft(config),
                PolicyPlan.predicting(config.lora(), config.training(), true),
                run ->
                        SftObjective.trainer(
                                        config.withTraining(t -> run.fitted(t, PackedRow::length)),
                                        run.policy().policy(),
                                        run.rows().train(),
                                        run.rows().evalSets(),
                                        run.context())
                                .train());
    }

    /// Direct preference optimisation.
    ///
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public RunSummary dpo(DpoConfig config) {
        ConfigCheck.validate(config);
        return OpenedRun.train(
                this,
                config.model(),
                setup -> setup.dpo(config),
                PolicyPlan.predicting(
                                config.lora(), config.training(), !config.loss().disableDropout())
                        .with(config.model(), config.reference(), hub),
                run -> {
                    try (var references = new ReferenceSetup(run.model(), run.policy(), hub)) {
                        Scorer reference =
                                references.open(
                                        config.referenceKind(), config.model(), config.reference());
                        return DpoObjective.trainer(
                                        config.withTraining(
                                                t -> run.fitted(t, PreferenceExample::length)),
                                        run.policy().policy(),
                                        reference,
                                        run.rows().train(),
                                        run.rows().evalSets(),
                                        run.context())
                                .train();
                    }
                });
    }

    /// Binary classifier optimisation.
    ///
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public RunSummary bco(BcoConfig config) {
        ConfigCheck.validate(config);
        return OpenedRun.train(
                this,
                config.model(),
                setup -> setup.bco(config),
                PolicyPlan.predicting(
                                config.lora(), config.training(), !config.loss().disableDropout())
                        .with(config.model(), config.reference(), hub),
                run -> {
                    try (var references = new ReferenceSetup(run.model(), run.policy(), hub)) {
                        Scorer reference =
                                references.open(
                                        config.referenceKind(), config.model(), config.reference());
                        return BcoObjective.trainer(
                                        config.withTraining(
                                                t -> run.fitted(t, UnpairedExample::length)),
                                        run.policy().policy(),
                                        reference,
                                        run.model().text().tokenizer().padId(),
                                        run.rows().train(),
                                        run.rows().evalSets(),
                                        run.context())
                                .train();
                    }
                });
    }

    /// Reward modelling.
    ///
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public RunSummary reward(RewardTrainerConfig config) {
        ConfigCheck.validate(config);
        boolean dropout = !config.loss().disableDropout();
        return OpenedRun.train(
                this,
                config.model(),
                setup -> setup.reward(config),
                PolicyPlan.scoring(ScorerPurpose.REWARD, config.lora(), config.training(), dropout),
                run ->
                        RewardObjective.trainer(
                                        config.withTraining(
                                                t -> run.fitted(t, RewardExample::length)),
                                        run.policy().policy(),
                                        run.rows().train(),
                                        run.rows().evalSets(),
                                        run.context())
                                .train());
    }

    /// Process reward modelling.
    ///
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public RunSummary prm(PrmConfig config) {
        ConfigCheck.validate(config);
        boolean dropout = !config.steps().disableDropout();
        var separator = new StepSeparator(config.steps().stepSeparator());
        return OpenedRun.train(
                this,
                config.model(),
                setup -> setup.prm(config),
                PolicyPlan.scoring(
                        ScorerPurpose.PROCESS_REWARD, config.lora(), config.training(), dropout),
                run ->
                        PrmObjective.trainer(
                                        config.withTraining(
                                                t -> run.fitted(t, StepwiseExample::length)),
                                        run.policy().policy(),
                                        run.rows().train(),
                                        run.rows().evalSets(),
                                        run.context()
                                                .withModel(separator.beside(run.context().model())))
                                .train());
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
                    config, Optional.of(rewards), rows -> rewards.requireRows(rows), rewards::load);
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
        return OpenedRun.train(
                this,
                config.model(),
                setup -> checked(setup.prompts(config), check),
                PolicyPlan.generating(
                                config.lora(), config.training(), !config.loss().disableDropout())
                        .with(config.model(), config.reference().asReference(), hub),
                run -> {
                    PolicySetup policy = run.policy();
                    tellOfDropout(policy.policy());
                    try (var references = new ReferenceSetup(run.model(), policy, hub)) {
                        judges.accept(run.model(), policy.policy());
                        Optional<Scorer> reference = reference(config, references);
                        GrpoConfig fitted = fitted(config, policy, run.rows());
                        try (var kept =
                                        KeptActivations.of(
                                                fitted, policy.policy(), run.rows().train());
                                var source =
                                        RolloutSetup.source(
                                                fitted, run.model(), policy, kept.record())) {
                            return new GrpoTrainer(
                                            fitted,
                                            policy.policy(),
                                            reference,
                                            source.rollouts(),
                                            rewards.orElseGet(() -> source.rewards(config)),
                                            run.model().text().tokenizer(),
                                            run.rows().train(),
                                            run.rows().evalSets(),
                                            run.context())
                                    .train();
                        }
                    }
                });
    }

    /// It is on by default, and dear.
    private static void tellOfDropout(Policy policy) {
        if (policy.hasDropout()) {
            LOG.info(
                    "lora_dropout: the forward pass drops inputs, generation does not, so nothing"
                        + " of it is reused; with lora_dropout: 0 or disable_dropout: true a step"
                        + " takes about three quarters of the time");
        }
    }

    /// Rows that `check` has nothing against.
    static <T> RunRows<T> checked(RunRows<T> rows, Consumer<RunRows<T>> check) {
        check.accept(rows);
        return rows;
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
            return run.run(Optional.of(rewards), rows -> rewards.requireRows(rows), rewards::load);
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
        KeptActivations.Wish kept = KeptActivations.wish(config, policy.policy(), rows.train());
        MemoryFit fit =
                policy.fitToMemory(
                        config.training(),
                        MemoryNeed.of(StepMemory.of(policy.policy())),
                        GrpoTrainer.rowTokens(config, rows.train()),
                        RolloutSetup.wish(config, policy, rows, completions)
                                .map(wish -> wish.withKept(kept)));
        return config.withTraining(fit.training())
                .withGeneration(
                        g ->
                                g.withGenerationSlots(fit.slots().orElse(g.generationSlots()))
                                        .withReuseRolloutActivations(fit.reuses()));
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
}
