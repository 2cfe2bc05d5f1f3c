package org.attune.reports.tracker;

import org.attune.trainers.report.RunReport;
import org.attune.trainers.report.RunReporter;
import org.attune.trainers.report.RunSettings;

import java.util.List;

/// The MLflow server that `MLFLOW_TRACKING_URI` names.
public final class MlflowReporter implements RunReporter {
    @Override
    public String name() {
        return "mlflow";
    }

    @Override
    public List<String> variables() {
        return List.of(
                "MLFLOW_TRACKING_URI",
                "MLFLOW_TRACKING_TOKEN",
                "MLFLOW_TRACKING_USERNAME",
                "MLFLOW_TRACKING_PASSWORD",
                "MLFLOW_EXPERIMENT_ID",
                "MLFLOW_EXPERIMENT_NAME",
                "MLFLOW_MAX_LOG_PARAMS",
                "MLFLOW_RUN_ID",
                "MLFLOW_TAGS",
                "DISABLE_MLFLOW_INTEGRATION");
    }

    @Override
    public RunReport open(RunSettings run) {
        return TrackerFeed.isTrue(run, "DISABLE_MLFLOW_INTEGRATION")
                ? new RunReport() {}
                : TrackerFeed.of(run, new MlflowServer(run.environment()));
    }
}
