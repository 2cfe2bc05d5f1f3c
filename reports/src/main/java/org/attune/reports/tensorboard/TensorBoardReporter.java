package org.attune.reports.tensorboard;

import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.report.RunReport;
import org.attune.trainers.report.RunReporter;
import org.attune.trainers.report.RunSettings;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;

/// TensorBoard's event files in `output_dir/runs`, in a folder with the `run_name` if there is one.
public final class TensorBoardReporter implements RunReporter {
    @Override
    public String name() {
        return "tensorboard";
    }

    @Override
    public RunReport open(RunSettings run) {
        Path runs = run.folder().resolve("runs");
        return new TensorBoardFile(
                run.training().log().runName().map(runs::resolve).orElse(runs),
                Optional.of(ResolvedConfig.yaml(run.config())),
                InstantSource.system());
    }
}
