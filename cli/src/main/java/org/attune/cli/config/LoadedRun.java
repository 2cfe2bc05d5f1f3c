package org.attune.cli.config;

import org.attune.error.ConfigException;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A run's configuration, checked.
///
/// @param config the records
/// @param environment variables as the run sees them
/// @param notes what was given and has no effect, one line each
/// @param directory of the run's file, or where the command runs if there is no file
/// @param places of the keys that were given: `file:line`, or the argument
/// @param missing files and folders that were named and are nowhere
public record LoadedRun<T extends Record>(
        T config,
        RunEnvironment environment,
        List<String> notes,
        Path directory,
        Map<String, String> places,
        Problems missing) {
    public LoadedRun {
        notes = List.copyOf(notes);
        places = Map.copyOf(places);
    }

    /// This run, whose inputs are there.
    ///
    /// @throws ConfigException naming those that are not, and where they were looked for
    public LoadedRun<T> found() {
        missing.throwIfAny();
        return this;
    }

    /// What turned out to be wrong when the run was set up, with the place of its key in front.
    public ConfigException placed(ConfigException problem) {
        Optional<String> place =
                problem.key().map(key -> places.get(key.replaceFirst("[\\[.].*", "")));
        return place.isEmpty()
                ? problem
                : new ConfigException(place.get() + ": " + problem.getMessage(), problem);
    }
}
