package org.attune.cli.config;

import java.nio.file.Path;
import java.util.List;

/// A run's configuration, checked.
///
/// @param config the records
/// @param environment variables as the run sees them
/// @param notes what was given and has no effect, one line each
/// @param directory of the run's file, or where the command runs if there is no file
public record LoadedRun<T extends Record>(
        T config, RunEnvironment environment, List<String> notes, Path directory) {}
