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

/// The method `nash_md`, as the command line and the front door know it.
public record NashMdMethod() implements RolloutMethod<NashMdConfig> {
    @Override
    public String name() {
        return "nash_md";
    }

    @Override
    public String summary() {
        return "Learn to be preferred to a mixture with the reference: Nash-MD.";
    }

    @Override
    public NashMdConfig defaults() {
        return NashMdConfig.defaults();
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
                "mixture_coef",
                "0.5",
                "missing_eos_penalty",
                "1.0");
    }

    @Override
    public RunRows<PromptExample> prepare(RowSetup setup, NashMdConfig config) {
        return prepare(setup, config, OnlineOpening.preparation(setup, config));
    }

    @Override
    public PolicyPlan policy(Surroundings around, NashMdConfig config, Path directory) {
        return OnlineOpening.policy(around, config);
    }

    @Override
    public RunSummary train(
            Surroundings around,
            NashMdConfig config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        return OnlineOpening.train(around, config, directory, run, judging);
    }
}
