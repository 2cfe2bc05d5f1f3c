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

/// The method `xpo`, as the command line and the front door know it.
public record XpoMethod() implements RolloutMethod<XpoConfig> {
    @Override
    public String name() {
        return "xpo";
    }

    @Override
    public String summary() {
        return "Learn from pairs of own answers and the reference's: XPO.";
    }

    @Override
    public XpoConfig defaults() {
        return XpoConfig.defaults();
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
                "alpha",
                "1e-5",
                "missing_eos_penalty",
                "1.0");
    }

    @Override
    public RunRows<PromptExample> prepare(RowSetup setup, XpoConfig config) {
        return prepare(setup, config, OnlineOpening.preparation(setup, config));
    }

    @Override
    public PolicyPlan policy(Surroundings around, XpoConfig config, Path directory) {
        return OnlineOpening.policy(around, config);
    }

    @Override
    public RunSummary train(
            Surroundings around,
            XpoConfig config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        return OnlineOpening.train(around, config, directory, run, judging);
    }
}
