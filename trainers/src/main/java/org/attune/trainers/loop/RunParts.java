package org.attune.trainers.loop;

import org.attune.error.ConfigException;
import org.attune.models.ModelConfig;
import org.attune.optim.FlatOptimizer;
import org.attune.optim.LrSchedule;
import org.attune.optim.LrScheduleOptions;
import org.attune.optim.Optimizer;
import org.attune.optim.PartedOptimizer;
import org.attune.policy.CausalPolicy;
import org.attune.policy.GradientParts;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Scorer;
import org.attune.policy.TokenBudget;
import org.attune.ranks.Collective;
import org.attune.ranks.RankAgreement;
import org.attune.tensor.Engine;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.batch.MixedRows;
import org.attune.trainers.batch.RowOrder;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.BatchConfig;
import org.attune.trainers.config.ConfigNames;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.ScheduleConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.RowStream;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Builds the parts of a run from its configuration; the parts themselves take plain parameters.
///
/// @param method `sft`, `dpo`, `reward`
/// @param config what every method needs
/// @param policy borrowed
/// @param context borrowed
public record RunParts(
        String method, TrainingConfig config, CausalPolicy policy, RunContext context) {

    public static TokenBudget budget(BatchConfig batch) {
        return new TokenBudget(batch.tokensPerMicroBatch().orElse(TokenBudget.DEFAULT_TOKENS));
    }

    /// All of `rows` rows in file order, in batches of `batch`.
    public static BatchPlan.Window wholeSet(int rows, int batch) {
        int batches = Math.ceilDiv(rows, batch);
        return new BatchPlan(rows, batch, batches, false, new RowOrder.Sequential()).window(0);
    }

    /// The plan of a run whose rows are given.
    ///
    /// @param rows training rows
    /// @param lengths tokens of each of them, or of those that are known
    /// @throws ConfigException if the configuration doesn't fit the rows
    public BatchPlan plan(List<?> rows, int[] lengths) {
        BatchConfig batch = config.batch();
        requireWholeSteps(RowTokens.of(lengths, batch.rowsOfStep()));
        long seed = config.dataSeed().orElse(config.seed());
        int microBatchRows = batch.perDeviceTrainBatchSize();
        RowOrder order =
                switch (batch.trainSamplingStrategy()) {
                    case SEQUENTIAL -> RowOrder.of(rows, false, seed);
                    case RANDOM -> RowOrder.of(rows, true, seed);
                    case GROUP_BY_LENGTH -> {
                        if (rows instanceof RowStream<?>) {
                            throw new ConfigException(
                                    "train_sampling_strategy: group_by_length sorts all rows, which"
                                            + " a stream doesn't know; with streaming: true use"
                                            + " random or sequential");
                        }
                        if (MixedRows.areMixed(rows)) {
                            throw new ConfigException(
                                    "train_sampling_strategy: group_by_length sorts the rows of all"
                                            + " data sets; with probabilities or stopping_strategy"
                                            + " use random or sequential");
                        }
                        yield new RowOrder.GroupedByLength(seed, lengths, microBatchRows);
                    }
                };
        return new BatchPlan(
                order.epochRows(rows.size()),
                microBatchRows,
                batch.microBatchesOfStep(),
                batch.dataloaderDropLast(),
                order);
    }

    /// Refuses updates in the backward pass where a step's rows may not fit into one.
    ///
    /// @throws ConfigException saying how many tokens must be computed at once
    public void requireWholeSteps(RowTokens rows) {
        int budget = budget(config.batch()).tokens();
        boolean oneRow = config.batch().rowsOfStep() == 1; // computed at once, however long it is
        if (config.optimizer().optimizerInBwd() && !oneRow && rows.wholeStep() > budget) {
            throw new ConfigException(
                    ("optimizer_in_bwd: true needs the rows of a step in one backward pass, but its"
                         + " %d rows may have %d tokens, and tokens_per_micro_batch: %d computes"
                         + " fewer at once; set tokens_per_micro_batch: %d, lower"
                         + " per_device_train_batch_size x gradient_accumulation_steps (%d x %d) or"
                         + " the length of rows, or set optimizer_in_bwd: false")
                            .formatted(
                                    config.batch().rowsOfStep(),
                                    rows.wholeStep(),
                                    budget,
                                    rows.wholeStep(),
                                    config.batch().perDeviceTrainBatchSize(),
                                    config.batch().microBatchesOfStep()));
        }
    }

    public void adviseOnLearningRate(LoraSettings lora, ModelConfig model) {
        boolean adapter = lora.usePeft() || model.adapterNameOrPath().isPresent();
        LearningRateAdvice.give(method, adapter, config.optimizer().learningRate());
    }

    /// What the run is made of, for resuming: the configuration that changes numbers, the data,
    /// the model.
    public Map<String, String> identity(Record whole, String dataFingerprint) {
        Map<String, String> identity = new LinkedHashMap<>(Fingerprints.ofConfig(whole));
        identity.put("method", method);
        if (config.schedule().isMeasured()) {
            identity.put("evaluations (which the learning rate follows)", "" + config.eval());
        }
        identity.put(ResumePoint.TOKENS, "" + budget(config.batch()).tokens());
        identity.put(ResumePoint.PACKS, "" + policy.hasCopies());
        identity.put(ResumePoint.LIBTORCH, Engine.libtorch().version());
        identity.put("training rows (hash)", dataFingerprint);
        identity.put("model (fingerprint)", context.modelFingerprint());
        return identity;
    }

    /// The course of a run with one update a step. The caller closes it.
    ///
    /// @param steps of `num_train_epochs`, which `max_steps` overrides
    /// @param stepsPerEpoch ≥ 1
    public TrainingLoop loop(int steps, int stepsPerEpoch, Map<String, String> identity) {
        ParameterSpace space = policy.parameters();
        config.optimizer().parameterGroups().requireUsed(space.candidates());
        boolean others = context.ranks().size() > 1 || context.rolloutRanks().isPresent();
        if (space.takesTurns() && others) {
            throw ConfigException.about(
                    "lisa_n_layers",
                    "accepted with one process (ranks: 1, rollout_ranks: 0); on several use"
                            + " unfrozen_parameters or zero_stage");
        }
        if (space.followsUpdates() && config.ranks().zeroStage() > 0) {
            throw ConfigException.about(
                    "zero_stage",
                    config.ranks().zeroStage()
                            + "; accepted with peft_type: adalora: 0, since importances are of"
                            + " whole gradients");
        }
        Optimizer optimizer = optimizer(space, steps);
        try {
            return course(steps, stepsPerEpoch, identity, updates(optimizer), List.of(space))
                    .owning(optimizer);
        } catch (RuntimeException | Error e) {
            optimizer.close();
            throw e;
        }
    }

    private WeightUpdates updates(Optimizer optimizer) {
        OptimizerConfig o = config.optimizer();
        ParameterSpace space = policy.parameters();
        boolean inParts = config.ranks().partsGradients();
        if (o.optimizerInBwd() != space.sharesGradients() && !inParts) {
            throw new IllegalArgumentException(
                    ("optimizer_in_bwd is %s, but the policy's gradients %s; make it with"
                                    + " Policy.withWeights in turn where optimizer_in_bwd is true"
                                    + " or zero_stage 2 or 3, and else not")
                            .formatted(
                                    o.optimizerInBwd(),
                                    space.sharesGradients() ? "share memory" : "are all kept"));
        }
        return o.optimizerInBwd()
                ? new UpdateInBackward(optimizer, space, context.clock())
                : new OneUpdate(optimizer, space, clipping(), context.clock());
    }

    /// How gradients are clipped.
    public Clipping clipping() {
        OptimizerConfig o = config.optimizer();
        return new Clipping(o.maxGradNorm(), o.gradNormType());
    }

    /// The configured optimizer over parameters. The caller closes it.
    ///
    /// @param steps of `num_train_epochs`, which `max_steps` overrides
    public Optimizer optimizer(ParameterSpace parameters, int steps) {
        ScheduleConfig schedule = config.schedule();
        int warmup = schedule.warmupStepsOf(schedule.maxSteps().orElse(steps));
        OptimizerConfig o = config.optimizer();
        if (config.ranks().partsGradients()) {
            GradientParts gradients = parameters.gradientParts(context.ranks());
            return new PartedOptimizer(parameters, o.kind(warmup), o.parameterGroups(), gradients);
        }
        if (config.ranks().zeroStage() > 0 && context.ranks().size() > 1) {
            return new PartedOptimizer(
                    parameters, o.kind(warmup), o.parameterGroups(), context.ranks());
        }
        return new FlatOptimizer(parameters, o.kind(warmup), o.parameterGroups());
    }

    /// The loop of a run whose updates of weights are given.
    ///
    /// @param updates borrowed
    /// @param trained parameters that are trained
    public TrainingLoop loop(
            int steps,
            int stepsPerEpoch,
            Map<String, String> identity,
            WeightUpdates updates,
            List<ParameterSpace> trained) {
        if (trained.stream().anyMatch(ParameterSpace::followsUpdates)) {
            throw ConfigException.about(
                    "peft_type",
                    "adalora; accepted where a step is one update, which it isn't with " + method);
        }
        return course(steps, stepsPerEpoch, identity, updates, trained);
    }

    private TrainingLoop course(
            int steps,
            int stepsPerEpoch,
            Map<String, String> identity,
            WeightUpdates updates,
            List<ParameterSpace> trained) {
        agree(identity);
        int total = config.schedule().maxSteps().orElse(steps);
        var info =
                new RunInfo(
                        method,
                        config.save().outputDir(),
                        0,
                        total,
                        stepsPerEpoch,
                        0,
                        trained.stream().mapToLong(ParameterSpace::count).sum());
        LrScheduleOptions schedule = schedule(total);
        var rates =
                new LearningRates(
                        schedule.learningRate(),
                        schedule.schedule(),
                        schedule.measured(config.best().isGreaterBetter()));
        context.clock().follow(trained.getFirst().values().device());
        return new TrainingLoop(
                info,
                config,
                compared(updates, trained),
                rates,
                config.averaging().bema() ? Optional.of(bema()) : Optional.empty(),
                context,
                identity);
    }

    private WeightUpdates compared(WeightUpdates updates, List<ParameterSpace> trained) {
        return context.ranks().size() == 1
                ? updates
                : new ComparedUpdates(
                        updates, trained, context.ranks(), config.ranks().checkRanksSteps());
    }

    /// All processes must have the same run before them.
    ///
    /// @throws org.attune.error.CollectiveException if one has another
    public void agree(Map<String, String> identity) {
        Collective ranks = context.rolloutRanks().map(RolloutRanks::all).orElseGet(context::ranks);
        if (ranks.size() > 1) {
            Map<String, String> all = new LinkedHashMap<>(identity);
            all.put(
                    "checkpoint to resume from",
                    ResumePoint.glance(config.save()).map(c -> "step " + c.step()).orElse("none"));
            RankAgreement.require(ranks, all);
        }
    }

    private Bema bema() {
        return new Bema(config.averaging(), policy.parameters());
    }

    /// Where the policy may still be its reference.
    public StartingPoint startingPoint(Scorer reference, BatchPlan plan) {
        LrSchedule schedule =
                schedule(
                                config.schedule()
                                        .maxSteps()
                                        .orElse(plan.steps(config.schedule().numTrainEpochs())))
                        .schedule();
        double rate = config.optimizer().learningRate();
        Scorer.Start start = reference.start();
        if (start == Scorer.Start.SAME && config.hasNoise()) {
            start = Scorer.Start.WITHOUT_DROPOUT;
        }
        return new StartingPoint(start, step -> rate * schedule.factor(step));
    }

    private LrScheduleOptions schedule(int total) {
        ScheduleConfig schedule = config.schedule();
        return new LrScheduleOptions(
                ConfigNames.wireName(schedule.lrSchedulerType()),
                schedule.lrSchedulerKwargs(),
                config.optimizer().learningRate(),
                new LrSchedule.Span(schedule.warmupStepsOf(total), total));
    }
}
