package org.attune.reports.tracker;

import org.attune.trainers.report.RunReport;
import org.attune.trainers.report.RunReporter;
import org.attune.trainers.report.RunSettings;

import java.util.List;

/// A run of Weights & Biases in `output_dir/wandb`, for `wandb sync`.
public final class WandbReporter implements RunReporter {
    @Override
    public String name() {
        return "wandb";
    }

    @Override
    public List<String> variables() {
        return List.of(
                "WANDB_DIR",
                "WANDB_DISABLED",
                "WANDB_ENTITY",
                "WANDB_HOST",
                "WANDB_JOB_TYPE",
                "WANDB_MODE",
                "WANDB_NAME",
                "WANDB_NOTES",
                "WANDB_PROJECT",
                "WANDB_RUN_GROUP",
                "WANDB_RUN_ID",
                "WANDB_TAGS");
    }

    @Override
    public RunReport open(RunSettings run) {
        if (run.variable("WANDB_MODE").equalsIgnoreCase("disabled")
                || TrackerFeed.isTrue(run, "WANDB_DISABLED")) {
            return new RunReport() {};
        }
        boolean named = run.training().log().runName().isPresent();
        return TrackerFeed.of(run, new WandbFile(run.environment(), run.folder(), named));
    }
}
