package org.attune.trainers.online;

import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.opening.Judging;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RolloutMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.opening.Surroundings;

import java.nio.file.Path;

/// What the methods of this room have in common: they differ in name, defaults and opponent.
///
/// @param <C> its configuration
sealed interface OnlineMethod<C extends Record & OnlineRun> extends RolloutMethod<C>
        permits OnlineDpoMethod, XpoMethod, NashMdMethod {
    @Override
    default RunRows<PromptExample> prepare(RowSetup setup, C config) {
        return prepare(setup, config, OnlineOpening.preparation(setup, config));
    }

    @Override
    default PolicyPlan policy(Surroundings around, C config, Path directory) {
        return OnlineOpening.policy(around, config);
    }

    @Override
    default RunSummary train(
            Surroundings around,
            C config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        return OnlineOpening.train(around, config, directory, run, judging);
    }
}
