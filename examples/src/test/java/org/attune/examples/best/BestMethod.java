package org.attune.examples.best;

import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.Judging;
import org.attune.trainers.opening.OpenRounds;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RolloutMethod;
import org.attune.trainers.opening.Surroundings;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// The method, as the front door knows it.
record BestMethod() implements RolloutMethod<BestConfig> {
    @Override
    public String name() {
        return "best";
    }

    @Override
    public String summary() {
        return "Learn from the best of a prompt's completions.";
    }

    @Override
    public BestConfig defaults() {
        return BestConfig.defaults();
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt, and the columns that rewards read", "num_generations", "8");
    }

    @Override
    public PolicyPlan policy(Surroundings around, BestConfig config, Path directory) {
        return PolicyPlan.generating(config.lora(), config.training(), true);
    }

    @Override
    public RunSummary train(
            Surroundings around,
            BestConfig config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        try (var rounds = new OpenRounds(around, config, directory, run, judging)) {
            RowTokens tokens = RoundPlan.rowTokens(config, run.rows().train());
            int completions = config.training().batch().rowsOfStep();
            MemoryFit fit = rounds.fit(config, tokens, completions, UnaryOperator.identity());
            int slots = fit.slots().orElse(config.sampling().generationSlots());
            BestConfig fitted =
                    config.with(config.sampling().withGenerationSlots(slots), fit.training());
            try (var source = rounds.source(fitted, Optional.empty())) {
                RoundInputs inputs =
                        rounds.inputs(config, Optional.empty(), source, source.rollouts());
                return BestRows.trainer(fitted, run.policy().policy(), inputs, rounds.context())
                        .train();
            }
        }
    }
}
