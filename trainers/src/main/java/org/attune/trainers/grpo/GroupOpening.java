package org.attune.trainers.grpo;

import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.memory.KeptActivations;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.opening.Judging;
import org.attune.trainers.opening.OpenRounds;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.Surroundings;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Opens what a run on groups needs, and trains it.
final class GroupOpening {
    private static final Logger LOG = LoggerFactory.getLogger(GroupOpening.class);

    private GroupOpening() {}

    static PolicyPlan policy(Surroundings around, GroupRun config) {
        return PolicyPlan.generating(config.lora(), config.training(), !config.disableDropout())
                .balancing(config.training())
                .with(config.model(), config.reference().asReference(), around.hub());
    }

    static RunSummary train(
            Surroundings around,
            GroupRun config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        Policy policy = run.policy().policy();
        tellOfDropout(policy);
        try (var rounds = new OpenRounds(around, config, directory, run, judging)) {
            Optional<Scorer> reference = rounds.references().open(config, config.beta());
            GroupRun fitted = fitted(config, rounds, policy, run.rows().train());
            try (var kept = KeptActivations.of(fitted, policy, run.rows().train());
                    var source = rounds.source(fitted, kept.record())) {
                RoundInputs inputs = rounds.inputs(config, reference, source, source.rollouts());
                return GroupRows.trainer(fitted, policy, inputs, rounds.context()).train();
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

    private static boolean estimatesValues(GroupRun config) {
        return config instanceof GrpoConfig grpo && grpo.loss().lossType() == GrpoLossType.A2PO;
    }

    /// Fits the run to memory when everything else is loaded.
    private static GroupRun fitted(
            GroupRun config, OpenRounds rounds, Policy policy, List<PromptExample> prompts) {
        int completions =
                config.training().batch().perDeviceTrainBatchSize() * config.microBatchesPerRound();
        // A round of several batches is more than what is kept of one, as are earlier rounds, those
        // that are written ahead, and samples of all prompts.
        GroupRun once =
                config.refill().dynamicSampling()
                                || config.replays()
                                || config.lag().isOn()
                                || estimatesValues(config)
                        ? config.fitted(
                                config.training(), config.sampling().generationSlots(), false)
                        : config;
        KeptActivations.Wish kept = KeptActivations.wish(once, policy, prompts);
        MemoryFit fit =
                rounds.fit(
                        config,
                        RoundPlan.rowTokens(config, prompts),
                        completions,
                        wish -> wish.withKept(kept));
        return config.fitted(
                fit.training(),
                fit.slots().orElse(config.sampling().generationSlots()),
                fit.reuses());
    }
}
