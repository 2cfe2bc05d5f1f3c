package org.attune.trainers.grpo;

import org.attune.datasets.examples.PromptExample;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.policy.StepMemory;
import org.attune.trainers.loop.RolloutRanks;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.memory.KeptActivations;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.memory.MemoryNeed;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.opening.Judging;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.PolicySetup;
import org.attune.trainers.opening.ReferenceSetup;
import org.attune.trainers.opening.RolloutSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.opening.Surroundings;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.Optional;

/// Opens what a run on groups needs, and trains it.
final class GroupOpening {
    private static final Logger LOG = LoggerFactory.getLogger(GroupOpening.class);

    private GroupOpening() {}

    static PolicyPlan policy(Surroundings around, GroupRun config) {
        return PolicyPlan.generating(config.lora(), config.training(), !config.disableDropout())
                .with(config.model(), config.reference().asReference(), around.hub());
    }

    static RunSummary train(
            Surroundings around,
            GroupRun config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        PolicySetup policy = run.policy();
        tellOfDropout(policy.policy());
        Optional<RolloutRanks> parted =
                RolloutRanks.of(run.context().ranks(), config.lag().rolloutRanks());
        RunContext context = parted.map(p -> p.in(run.context())).orElse(run.context());
        try (var _ = parted.orElse(null);
                var references = new ReferenceSetup(run.model(), policy, around.hub())) {
            judging.load().accept(run.model(), policy.policy());
            Optional<Scorer> reference = references.open(config, config.beta());
            GroupRun fitted = fitted(config, policy, run.rows());
            try (var kept = KeptActivations.of(fitted, policy.policy(), run.rows().train());
                    RolloutSetup.OpenSource source =
                            RolloutSetup.source(
                                    fitted,
                                    run.model(),
                                    policy,
                                    kept.record(),
                                    context.ranks(),
                                    directory)) {
                return GroupRows.trainer(
                                fitted,
                                policy.policy(),
                                new RoundInputs(
                                        reference,
                                        source.rollouts(),
                                        judging.scorer().orElseGet(() -> source.rewards(config)),
                                        run.model().text().tokenizer(),
                                        run.rows().train(),
                                        run.rows().evalSets()),
                                context)
                        .train();
            }
        }
    }

    /// Dropout is on by default, and costs much time.
    private static void tellOfDropout(Policy policy) {
        if (policy.hasDropout()) {
            LOG.info(
                    "lora_dropout: the forward pass drops inputs, generation does not, so nothing"
                        + " of it is reused; with lora_dropout: 0 or disable_dropout: true a step"
                        + " takes about three quarters of the time");
        }
    }

    /// When everything else is loaded.
    private static GroupRun fitted(
            GroupRun config, PolicySetup policy, RunRows<PromptExample> rows) {
        int completions =
                config.training().batch().perDeviceTrainBatchSize() * config.microBatchesPerRound();
        // A round of several batches is more than what is kept of one, as are earlier rounds and
        // those that are written ahead.
        GroupRun once =
                config.refill().dynamicSampling() || config.replays() || config.lag().isOn()
                        ? config.fitted(
                                config.training(), config.generation().generationSlots(), false)
                        : config;
        KeptActivations.Wish kept = KeptActivations.wish(once, policy.policy(), rows.train());
        MemoryFit fit =
                policy.fitToMemory(
                        config.training(),
                        MemoryNeed.of(
                                StepMemory.of(policy.policy()),
                                config.training().stateBytes(policy.policy().parameters())),
                        RoundPlan.rowTokens(config, rows.train()),
                        RolloutSetup.wish(config, policy, rows, completions)
                                .map(wish -> wish.withKept(kept)));
        return config.fitted(
                fit.training(),
                fit.slots().orElse(config.generation().generationSlots()),
                fit.reuses());
    }
}
