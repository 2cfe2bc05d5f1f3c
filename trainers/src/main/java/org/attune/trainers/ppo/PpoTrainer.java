package org.attune.trainers.ppo;

import org.apache.commons.rng.sampling.PermutationSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.checkpoint.Checkpoint;
import org.attune.error.CheckpointException;
import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.json.Json;
import org.attune.optim.Optimizer;
import org.attune.policy.CausalPolicy;
import org.attune.tensor.Engine;
import org.attune.trainers.batch.RowOrder;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.Clipping;
import org.attune.trainers.loop.Critic;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.loop.TrainingLoop;
import org.attune.trainers.onpolicy.CorrectionNotice;
import org.attune.trainers.onpolicy.JudgedRounds;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.step.Trainer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/// Proximal policy optimisation: the policy completes prompts, rewards judge the completions, a
/// critic says what was to be expected, and what was better than that becomes likelier. Read
/// [#train], then [#update], then [PpoObjective#evaluate].
///
/// A step of the run is one update: one batch of completions, used for several epochs of several
/// mini-batches. One instance is one run. The caller owns and closes policy, critic, reference,
/// rollouts and rewards.
public final class PpoTrainer {
    private static final String STATE = "ppo_state.json";
    private static final String COEFFICIENT = "kl_coef";

    private final PpoConfig config;
    private final CausalPolicy policy;
    private final Critic critic;
    private final RunContext context;
    private final JudgedRounds judged;
    private final PpoRounds rounds;
    private final LogicalDevices devices;
    private final PpoPass pass;
    private final UpdatePlan plan;
    private final RoundPlan roundPlan;
    private KlController controller;
    private List<String> origins = List.of();

    /// @param config checked here
    /// @param policy with the values to start from
    /// @param critic with the values to start from
    /// @param inputs with a reference where `kl_coef` isn't 0
    /// @throws ConfigException with all problems of the configuration
    public PpoTrainer(
            PpoConfig config,
            CausalPolicy policy,
            Critic critic,
            RoundInputs inputs,
            RunContext context) {
        this.config = ConfigCheck.validate(config);
        Trainer.Means means = Trainer.Means.of(config, policy, context);
        this.policy = means.policy();
        this.critic = TimedPolicy.critic(critic, context.clock());
        this.context = context;
        devices = means.devices();
        if (config.kl().klCoef() != 0 && inputs.reference().isEmpty()) {
            throw new ConfigException(
                    "kl_coef is %s, but there is no reference".formatted(config.kl().klCoef()));
        }
        roundPlan = roundPlan(inputs.prompts());
        judged =
                new JudgedRounds(
                        config,
                        roundPlan,
                        means,
                        inputs,
                        1,
                        steps(),
                        Optional.of(PpoObjectives.plainRequest(config)));
        rounds = new PpoRounds(config, this.critic, judged, inputs.tokenizer().eosId());
        plan = PpoObjectives.plan(config);
        pass = new PpoPass(config, means, this.critic, plan.partWeight(), judged::origin);
        controller = PpoObjectives.controller(config);
    }

    private RoundPlan roundPlan(List<PromptExample> data) {
        long seed = config.training().dataSeed().orElse(config.training().seed());
        RowOrder order = RowOrder.of(data, config.data().shuffleDataset(), seed);
        int prompts = order.epochRows(data.size());
        int completions = config.completionsPerUpdate();
        if (prompts < completions) {
            throw new ConfigException(
                    ("an update completes %d prompts (per_device_train_batch_size x"
                         + " gradient_accumulation_steps x logical_devices), but the data has %d;"
                         + " lower the batch size, or give more prompts")
                            .formatted(completions, prompts));
        }
        return new RoundPlan(prompts, 1, completions, 1, 1, 1, order);
    }

    /// Trains to the last update, or until the context's stop signal. An update that is
    /// stopped halfway is made again when the run is resumed. A process that only writes
    /// completions does so until the others have ended.
    ///
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    /// @throws org.attune.error.CheckpointException if a checkpoint can't be written or resumed
    public RunSummary train() {
        return Engine.call(
                () -> {
                    var parts = new RunParts("ppo", config.training(), policy, context);
                    parts.adviseOnLearningRate(config.lora(), config.model());
                    var identity = parts.identity(config, judged.fingerprint());
                    identity.putAll(judged.identity());
                    tellOfCorrection();
                    try (var _ = devices) {
                        if (context.isRolloutRank()) {
                            parts.agree(identity);
                            judged.serve();
                            return RunSummary.ofRolloutRank(context.clock().seconds());
                        }
                        RunSummary summary = learned(parts, identity);
                        judged.end();
                        return summary;
                    }
                });
    }

    private RunSummary learned(RunParts parts, Map<String, String> identity) {
        var trained = new ArrayList<>(policy.parameters().parameters());
        trained.addAll(critic.parameters().parameters());
        config.training().optimizer().parameterGroups().requireUsed(trained);
        try (Optimizer own = parts.optimizer(policy.parameters(), steps());
                Optimizer critics = parts.optimizer(critic.parameters(), steps())) {
            Clipping clipping = config.loss().trlCompat() ? Clipping.NONE : parts.clipping();
            var updates =
                    new PpoUpdates(
                            new TrainedModel(own, clipping),
                            new TrainedModel(critics, clipping),
                            config,
                            context.clock());
            try (TrainingLoop loop =
                    parts.loop(
                            steps(),
                            roundPlan.stepsPerEpoch(),
                            identity,
                            updates,
                            List.of(policy.parameters(), critic.parameters()))) {
                return loop.run(new PpoWork(updates));
            }
        }
    }

    private void tellOfCorrection() {
        if (config.lag().isOn()) {
            new CorrectionNotice(config, context.listeners())
                    .tell(
                            "the clipped ratio to the log-probabilities of the weights that wrote,"
                                    + " by "
                                    + config.lag().words());
            return;
        }
        String ratio =
                "the clipped ratio to the log-probabilities of the policy when an update begins";
        new CorrectionNotice(config, context.listeners())
                .tell(
                        config.rollouts().isElsewhere()
                                ? ratio + "; none from there to who wrote"
                                : ratio);
    }

    private int steps() {
        if (config.updates().totalEpisodes().isPresent()) {
            long episodes = config.updates().totalEpisodes().getAsLong();
            return Math.toIntExact(Math.ceilDiv(episodes, config.completionsPerUpdate()));
        }
        return roundPlan.steps(config.training().schedule().numTrainEpochs());
    }

    /// Makes one update.
    private StepReport update(int number, PpoUpdates updates) {
        StopRequest.check();
        policy.startStep(number);
        PpoRounds.Batch batch = rounds.batch(number, controller.coefficient());
        origins = batch.rows().stream().map(row -> judged.origin(row.prompt())).toList();
        StopRequest.check();
        PpoObjective objective = PpoObjectives.policy(config, controller.coefficient());
        int epochs = config.updates().numPpoEpochs();
        pass.begin();
        var totals =
                new UpdateTotals(
                        objective, config.loss().vfCoef(), plan.trlLayout(), plan.slots(epochs));
        int done = wholly(updates, () -> learn(number, batch, objective, totals, updates));
        judged.used(number);
        controller = controller.after(batch.kl(), batch.rows().size());
        Map<String, Double> metrics = new LinkedHashMap<>(batch.metrics());
        metrics.putAll(totals.metrics());
        metrics.put("critic/grad_norm", updates.criticNorm());
        config.updates()
                .targetKl()
                .ifPresent(_ -> metrics.put("ppo/optimizer_steps", (double) done));
        var report =
                new StepReport(
                        totals.loss(),
                        List.of(metrics),
                        batch.tokens(),
                        Map.of("episode", (double) (number + 1L) * plan.completions()));
        return devices.told(report, pass.tokens());
    }

    /// Does what changes weights several times, wholly or not at all. A run that is stopped
    /// meanwhile goes back to the weights from before. Where they are too many to be kept, it goes
    /// on to the end.
    private int wholly(PpoUpdates updates, Supplier<Integer> learn) {
        if (!KeptWeights.suit(policy.parameters().count() + critic.parameters().count())) {
            return StopRequest.watching(() -> false, learn);
        }
        updates.keep();
        try {
            return learn.get();
        } catch (StoppedException e) {
            updates.goBack();
            throw e;
        }
    }

    /// @return optimizer steps done
    private int learn(
            int number,
            PpoRounds.Batch batch,
            PpoObjective objective,
            UpdateTotals totals,
            PpoUpdates updates) {
        int done = 0;
        for (UpdatePlan.Step step :
                plan.steps(config.updates().numPpoEpochs(), epoch -> order(number, epoch))) {
            updates.zeroGradients();
            pass.policy(step, batch.rows(), objective, totals);
            int[] slots = step.parts().stream().mapToInt(UpdatePlan.Part::slot).toArray();
            if (config.updates().targetKl().isPresent()
                    && totals.divergence(slots) > config.updates().targetKl().getAsDouble()) {
                IntStream.of(slots).forEach(totals::drop);
                break;
            }
            updates.passDone();
            pass.critic(step, batch.rows(), totals);
            updates.update(origins);
            done++;
        }
        return done;
    }

    private int[] order(long update, int epoch) {
        int[] order = IntStream.range(0, plan.completions()).toArray();
        if (!config.updates().shuffleMiniBatches()) {
            return order;
        }
        PermutationSampler.shuffle(
                RandomSource.XO_SHI_RO_256_PP.create(
                        new long[] {config.training().seed(), update, epoch, 0x5050_4FL}),
                order);
        return order;
    }

    private final class PpoWork implements TrainingLoop.Work {
        private final PpoUpdates updates;

        PpoWork(PpoUpdates updates) {
            this.updates = updates;
        }

        @Override
        public StepReport step(int step) {
            return update(step, updates);
        }

        @Override
        public List<HeldOutMeans> evaluate() {
            return judged.evaluate();
        }

        @Override
        public List<String> origins(int step) {
            return origins;
        }

        @Override
        public String heldoutMetric() {
            return MetricKeys.REWARD;
        }

        @Override
        public List<CheckpointPart> checkpointParts() {
            List<CheckpointPart> checkpoint = new ArrayList<>(List.of(new ControllerPart()));
            checkpoint.addAll(judged.checkpointParts());
            return checkpoint;
        }
    }

    /// The weight of the divergence.
    private final class ControllerPart implements CheckpointPart {
        @Override
        public void save(Path folder) throws IOException {
            Files.writeString(
                    folder.resolve(STATE),
                    Json.MAPPER.writeValueAsString(Map.of(COEFFICIENT, controller.coefficient())));
        }

        @Override
        public void restore(Path folder) {
            Path file = folder.resolve(STATE);
            judged.rounds().continueAt(Checkpoint.stateIn(folder).step());
            try {
                controller =
                        controller.withCoefficient(
                                Json.tree(Files.readString(file)).required(COEFFICIENT).asDouble());
            } catch (IOException | IllegalArgumentException e) {
                throw new CheckpointException(file + " can't be read: " + e, e);
            }
        }
    }
}
