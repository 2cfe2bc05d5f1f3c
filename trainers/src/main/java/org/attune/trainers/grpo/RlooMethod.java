package org.attune.trainers.grpo;

import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.Judging;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RolloutMethod;
import org.attune.trainers.opening.Surroundings;

import java.nio.file.Path;

/// The method `rloo`, as the command line and the front door know it.
public record RlooMethod() implements RolloutMethod<RlooConfig> {
    @Override
    public String name() {
        return "rloo";
    }

    @Override
    public String summary() {
        return "Learn from rewards: REINFORCE with a leave-one-out baseline.";
    }

    @Override
    public RlooConfig defaults() {
        return RlooConfig.defaults();
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt, and the columns that rewards read",
                "num_generations",
                "4",
                "max_completion_length",
                "256",
                "temperature",
                "1.0",
                "beta",
                "0.05",
                "eval_temperature",
                "0");
    }

    @Override
    public PolicyPlan policy(Surroundings around, RlooConfig config, Path directory) {
        return GroupOpening.policy(around, config);
    }

    @Override
    public RunSummary train(
            Surroundings around,
            RlooConfig config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        return GroupOpening.train(around, config, directory, run, judging);
    }
}
