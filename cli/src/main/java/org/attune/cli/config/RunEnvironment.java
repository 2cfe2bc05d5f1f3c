package org.attune.cli.config;

import org.attune.files.HubCache;
import org.attune.hub.HubDownload;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Environment variables as the run sees them: the `env` block of its file over the process's. A
/// JVM cannot change its own, so only those that Attune itself reads can be set in a file.
///
/// @param overrides the `env` block
public record RunEnvironment(Map<String, String> overrides) {
    /// The variables that are read.
    public static final List<String> READ =
            List.of(
                    "HF_HOME",
                    "HF_HUB_CACHE",
                    "HF_ENDPOINT",
                    "HF_TOKEN",
                    "HF_TOKEN_PATH",
                    "HF_HUB_OFFLINE",
                    "HF_HUB_DOWNLOAD_TIMEOUT",
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
                    "WANDB_TAGS",
                    "MLFLOW_TRACKING_URI",
                    "MLFLOW_TRACKING_TOKEN",
                    "MLFLOW_TRACKING_USERNAME",
                    "MLFLOW_TRACKING_PASSWORD",
                    "MLFLOW_EXPERIMENT_ID",
                    "MLFLOW_EXPERIMENT_NAME",
                    "MLFLOW_MAX_LOG_PARAMS",
                    "MLFLOW_RUN_ID",
                    "MLFLOW_TAGS",
                    "DISABLE_MLFLOW_INTEGRATION",
                    "TRACKIO_DIR",
                    "TRACKIO_SERVER_URL",
                    "TRACKIO_WRITE_TOKEN");

    public RunEnvironment {
        overrides = Map.copyOf(overrides);
    }

    public Optional<String> get(String name) {
        String value = overrides.get(name);
        return Optional.ofNullable(value == null ? System.getenv(name) : value)
                .filter(v -> !v.isBlank());
    }

    /// All variables as the run sees them.
    public Map<String, String> all() {
        Map<String, String> all = new HashMap<>(System.getenv());
        all.putAll(overrides);
        return all;
    }

    /// The cache that these variables name, which downloads what it hasn't.
    public HubCache hubCache() {
        return HubDownload.cache(all());
    }
}
