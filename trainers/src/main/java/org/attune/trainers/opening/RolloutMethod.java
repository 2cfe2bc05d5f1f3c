package org.attune.trainers.opening;

import org.attune.datasets.ColumnUse;
import org.attune.datasets.formats.DatasetType;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.prepare.PromptPreparation;

import java.nio.file.Path;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;

/// A method that learns from completions that it generates and judges.
///
/// @param <C> its configuration
public interface RolloutMethod<C extends Record & RolloutRun>
        extends TrainingMethod<C, PromptExample> {
    /// How the policy comes to memory.
    ///
    /// @param directory where relative paths start
    PolicyPlan policy(Surroundings around, C config, Path directory);

    /// Trains an opened run.
    RunSummary train(
            Surroundings around,
            C config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging);

    @Override
    default Kind kind() {
        return Kind.GENERATES;
    }

    @Override
    default Set<DatasetType> rows() {
        return EnumSet.of(
                DatasetType.PROMPT_ONLY, DatasetType.PROMPT_COMPLETION, DatasetType.PREFERENCE);
    }

    @Override
    default RunRows<PromptExample> prepare(RowSetup setup, C config) {
        return prepare(
                setup,
                config,
                setup.prompts(
                        config.agent(),
                        config.rollouts().maxPromptLength(),
                        config.data().onBadRow()));
    }

    /// Reads rows and prepares them as told.
    default RunRows<PromptExample> prepare(
            RowSetup setup, C config, PromptPreparation preparation) {
        ColumnUse columns =
                config.agent().isOn() // tools and environments may read any
                        ? new ColumnUse.Anything()
                        : RewardColumns.use(config, Path.of(""));
        return setup.rows(config, rows(), preparation, columns);
    }

    @Override
    default String show(Preview preview, PromptExample row, Collection<String> columns) {
        return preview.prompt(row, columns);
    }

    @Override
    default RunSummary train(Surroundings around, C config, Path directory) {
        ConfigCheck.validate(config);
        if (config.judges().isEmpty()) {
            return train(
                    around,
                    config,
                    directory,
                    config.rollouts().recordedRollouts().isPresent()
                            ? Judging.recorded()
                            : Judging.byEnvironments());
        }
        try (var rewards = RunRewards.open(config, directory, around.hub())) {
            return train(around, config, directory, Judging.of(rewards));
        }
    }

    /// A whole run with something else in place of `reward_funcs`.
    ///
    /// @param config checked here
    default RunSummary train(Surroundings around, C config, Path directory, Judging judging) {
        ConfigCheck.validate(config);
        return OpenedRun.train(
                around,
                config.model(),
                directory,
                setup -> judging.checked(prepare(setup, config)),
                policy(around, config, directory),
                run -> train(around, config, directory, run, judging));
    }
}
