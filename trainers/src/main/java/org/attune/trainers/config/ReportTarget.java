package org.attune.trainers.config;

/// Where metrics go besides `metrics.jsonl`, the terminal and the loss plot.
public enum ReportTarget {
    NONE,
    /// TensorBoard event files in `output_dir/runs`.
    TENSORBOARD
}
