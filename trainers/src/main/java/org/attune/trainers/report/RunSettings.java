package org.attune.trainers.report;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.trainers.config.TrainingConfig;

import java.nio.file.Path;
import java.util.Map;

/// What a report knows of a run that begins.
///
/// @param config all of the run's settings; [org.attune.trainers.config.ResolvedConfig] shows them
///     as keys and values, without secrets
/// @param training the part that every method has
/// @param defaults the method's settings where nothing is set
/// @param environment variables, with those of the run's file
@Api(EXPERIMENTAL)
public record RunSettings(
        Record config, TrainingConfig training, Record defaults, Map<String, String> environment) {
    public RunSettings {
        environment = Map.copyOf(environment);
    }

    /// The run's `output_dir`.
    public Path folder() {
        return training.save().outputDir();
    }

    /// An environment variable's value, empty if it isn't set.
    public String variable(String name) {
        return environment.getOrDefault(name, "");
    }
}
