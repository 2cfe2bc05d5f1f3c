package org.attune.board;

import java.nio.file.Path;
import java.util.List;

/// What the command line knows of runs and a board doesn't.
public interface RunCommands {
    /// The first rows of a run as the model sees them.
    ///
    /// @param config the run's `config.yaml`
    /// @param directory where the run's command was called
    /// @return what the command prints, an error too
    /// @throws org.attune.error.AttuneException if there is nothing to show
    String preview(String method, Path config, Path directory);

    /// What is wrong with a run's file, a line each; none if it could be started.
    List<String> problems(String method, Path file);

    /// What in a run's file would start programs: keys with their values.
    List<String> programs(String method, Path file);

    /// Where a run's file has its results written.
    ///
    /// @throws org.attune.error.AttuneException if the file has problems
    Path outputDir(String method, Path file);

    /// The command by which a process trains.
    List<String> training(String method, Path file);
}
