package org.attune.trainers.config;

/// Where metrics go besides `metrics.jsonl`, the terminal and the loss plot.
public enum ReportTarget {
    NONE,
    /// TensorBoard event files in `output_dir/runs`.
    TENSORBOARD,
    /// A run of Weights & Biases in `output_dir/wandb`, for `wandb sync`.
    WANDB,
    /// The MLflow server that `MLFLOW_TRACKING_URI` names.
    MLFLOW,
    /// Trackio's inbox on this machine, or the server that `TRACKIO_SERVER_URL` names.
    TRACKIO
}
