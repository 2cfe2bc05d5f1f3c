package org.attune.trainers.online;

import org.attune.datasets.examples.PromptExample;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.Judging;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RolloutMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.opening.Surroundings;

import java.nio.file.Path;

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
        return prepare(setup, config, OnlineOpening.preparation(setup, config));
    }

    @Override
    public PolicyPlan policy(Surroundings around, OnlineDpoConfig config, Path directory) {
        return OnlineOpening.policy(around, config);
    }

    @Override
    public RunSummary train(
            Surroundings around,
            OnlineDpoConfig config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        return OnlineOpening.train(around, config, directory, run, judging);
    }
}
