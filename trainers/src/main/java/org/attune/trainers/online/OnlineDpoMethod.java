package org.attune.trainers.online;

import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.prepare.PromptPreparation;
import org.attune.policy.Scorer;
import org.attune.policy.StepMemory;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.memory.MemoryNeed;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.Judging;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.PolicySetup;
import org.attune.trainers.opening.ReferenceSetup;
import org.attune.trainers.opening.RolloutMethod;
import org.attune.trainers.opening.RolloutSetup;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.opening.Surroundings;

import java.nio.file.Path;
import java.util.Optional;

/// The method `online_dpo`, as the command line and the front door know it.
public record OnlineDpoMethod() implements RolloutMethod<OnlineDpoConfig> {
    @Override
    public String name() {
        return "online_dpo";
    }

    @Override
    public String summary() {
        return "Learn from judged pairs of own answers: online DPO.";
    }

    @Override
    public OnlineDpoConfig defaults() {
        return OnlineDpoConfig.defaults();
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt, and the columns that rewards read",
                "max_new_tokens",
                "128",
                "temperature",
                "0.9",
                "beta",
                "0.1",
                "missing_eos_penalty",
                "1.0");
    }

    @Override
    public RunRows<PromptExample> prepare(RowSetup setup, OnlineDpoConfig config) {
        return prepare(
                setup,
                config,
                new PromptPreparation(
                        setup.tokenizer(), config.longestPrompt(), config.data().onBadRow()));
    }

    @Override
    public PolicyPlan policy(Surroundings around, OnlineDpoConfig config, Path directory) {
        return PolicyPlan.generating(
                        config.lora(), config.training(), !config.loss().disableDropout())
                .with(config.model(), config.reference().asReference(), around.hub());
    }

    @Override
    public RunSummary train(
            Surroundings around,
            OnlineDpoConfig config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        PolicySetup policy = run.policy();
        try (var references = new ReferenceSetup(run.model(), policy, around.hub())) {
            judging.load().accept(run.model(), policy.policy());
            Scorer reference =
                    references.open(
                            config.referenceKind(),
                            config.model(),
                            config.reference().asReference());
            OnlineDpoConfig fitted = fitted(config, policy, run.rows());
            RolloutSetup.OpenSource source =
                    RolloutSetup.source(fitted, run.model(), policy, Optional.empty());
            return new OnlinePairTrainer(
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

    /// When everything else is loaded.
    private static OnlineDpoConfig fitted(
            OnlineDpoConfig config, PolicySetup policy, RunRows<PromptExample> rows) {
        int completions = 2 * config.training().batch().rowsOfStep();
        MemoryFit fit =
                policy.fitToMemory(
                        config.training(),
                        MemoryNeed.of(
                                StepMemory.of(policy.policy()),
                                config.training().stateBytes(policy.policy().parameters())),
                        OnlinePairTrainer.pairTokens(config, rows.train()),
                        RolloutSetup.wish(config, policy, rows, completions));
        return config.withTraining(fit.training())
                .withSampling(s -> s.withGenerationSlots(fit.slots().orElse(s.generationSlots())));
    }
}
