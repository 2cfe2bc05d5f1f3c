package org.attune.trainers.grpo;

import org.attune.datasets.examples.PromptExample;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.policy.StepMemory;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.memory.KeptActivations;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.memory.MemoryNeed;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.Judging;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.PolicySetup;
import org.attune.trainers.opening.ReferenceSetup;
import org.attune.trainers.opening.RolloutMethod;
import org.attune.trainers.opening.RolloutSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.opening.Surroundings;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.Optional;

/// The method `grpo`, as the command line and the front door know it.
public record GrpoMethod() implements RolloutMethod<GrpoConfig> {
    private static final Logger LOG = LoggerFactory.getLogger(GrpoMethod.class);

    @Override
    public String name() {
        return "grpo";
    }

    @Override
    public String summary() {
        return "Learn from rewards: group-relative policy optimisation.";
    }

    @Override
    public GrpoConfig defaults() {
        return GrpoConfig.defaults();
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt, and the columns that rewards read",
                "num_generations",
                "8",
                "max_completion_length",
                "256",
                "temperature",
                "1.0",
                "beta",
                "0.0",
                "eval_temperature",
                "0");
    }

    @Override
    public PolicyPlan policy(Surroundings around, GrpoConfig config, Path directory) {
        return PolicyPlan.generating(
                        config.lora(), config.training(), !config.loss().disableDropout())
                .with(config.model(), config.reference().asReference(), around.hub());
    }

    @Override
    public RunSummary train(
            Surroundings around,
            GrpoConfig config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        PolicySetup policy = run.policy();
        tellOfDropout(policy.policy());
        try (var references = new ReferenceSetup(run.model(), policy, around.hub())) {
            judging.load().accept(run.model(), policy.policy());
            Optional<Scorer> reference = references.open(config, config.loss().beta());
            GrpoConfig fitted = fitted(config, policy, run.rows());
            try (var kept = KeptActivations.of(fitted, policy.policy(), run.rows().train())) {
                RolloutSetup.OpenSource source =
                        RolloutSetup.source(fitted, run.model(), policy, kept.record());
                return new GrpoTrainer(
                                fitted,
                                policy.policy(),
                                reference,
                                source.rollouts(),
                                judging.scorer().orElseGet(() -> source.rewards(config)),
                                run.model().text().tokenizer(),
                                run.rows().train(),
                                run.rows().evalSets(),
                                run.context())
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
    private static GrpoConfig fitted(
            GrpoConfig config, PolicySetup policy, RunRows<PromptExample> rows) {
        int completions =
                config.training().batch().perDeviceTrainBatchSize() * config.microBatchesPerRound();
        KeptActivations.Wish kept = KeptActivations.wish(config, policy.policy(), rows.train());
        MemoryFit fit =
                policy.fitToMemory(
                        config.training(),
                        MemoryNeed.of(StepMemory.of(policy.policy())),
                        RoundPlan.rowTokens(config, rows.train()),
                        RolloutSetup.wish(config, policy, rows, completions)
                                .map(wish -> wish.withKept(kept)));
        return config.withTraining(fit.training())
                .withGeneration(
                        g ->
                                g.withGenerationSlots(fit.slots().orElse(g.generationSlots()))
                                        .withReuseRolloutActivations(fit.reuses()));
    }
}
