package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;
import static org.attune.error.Argument.given;

import org.attune.api.Api;
import org.attune.records.CopyMethods;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/// Where results go and when checkpoints are written.
///
/// @param outputDir folder of the run; required
/// @param saveStrategy when checkpoints are written; the final model is always
/// @param saveSteps for `steps`: how often; below 1: a share of all steps
/// @param saveTotalLimit how many checkpoints are kept, the newest; unset: all
/// @param resume continue an interrupted run
@Api(EXPERIMENTAL)
@CopyMethods
public record SaveConfig(
        Path outputDir,
        SaveStrategy saveStrategy,
        @InRange(min = 0, minOpen = true) double saveSteps,
        @InRange(min = 1) OptionalInt saveTotalLimit,
        Resume resume)
        implements SaveConfigCopies, CrossChecked {
    /// The defaults, as listed at the parameters.
    public static SaveConfig defaults() {
        return SaveConfigCopies.blank()
                .withOutputDir(Path.of(""))
                .withSaveStrategy(SaveStrategy.STEPS)
                .withSaveSteps(500)
                .withResume(new Resume.No());
    }

    public static SaveConfig to(Path outputDir) {
        return defaults().withOutputDir(given(outputDir, "outputDir"));
    }

    /// Steps between checkpoints in a run of `totalSteps`.
    public int saveInterval(int totalSteps) {
        return LogConfig.interval(saveSteps, totalSteps);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        if (outputDir.toString().isEmpty()) {
            return List.of(new ConfigProblem("output_dir", "", "the folder for the run's results"));
        }
        return List.of();
    }
}
