package org.attune.trainers.config;

import org.attune.records.CopyMethods;

import java.util.List;
import java.util.Optional;

/// Whether and how the result is uploaded to the Hub. Names and meanings are transformers'.
///
/// @param pushToHub upload the result, and what the strategy says
/// @param hubModelId repository, `ORG/NAME` or `NAME`; unset: the name of `output_dir`
/// @param hubStrategy what is uploaded when
/// @param hubToken token that may write; unset: the environment's. It is written nowhere
/// @param hubPrivateRepo whether a new repository is private; unset: as the account's settings say
/// @param hubRevision branch, made if it isn't there; unset: `main`
/// @param hubAlwaysPush upload a checkpoint also if the one before is still on its way
@CopyMethods
public record HubConfig(
        boolean pushToHub,
        Optional<String> hubModelId,
        HubStrategy hubStrategy,
        Optional<Secret> hubToken,
        Optional<Boolean> hubPrivateRepo,
        Optional<String> hubRevision,
        boolean hubAlwaysPush)
        implements HubConfigCopies, CrossChecked {
    private static final String NAME = "[\\w.-]+(/[\\w.-]+)?";

    /// The defaults, as listed at the parameters.
    public static HubConfig defaults() {
        return HubConfigCopies.blank().withHubStrategy(HubStrategy.EVERY_SAVE);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        if (hubModelId.isPresent() && !hubModelId.get().matches(NAME)) {
            return List.of(
                    new ConfigProblem("hub_model_id", hubModelId.get(), "ORG/NAME, or NAME"));
        }
        return List.of();
    }
}
