package org.attune.cli.config;

import org.attune.files.HubCache;
import org.attune.hub.HubDownload;
import org.attune.trainers.report.RunReporters;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Environment variables as the run sees them: the `env` block of its file over the process's. A
/// JVM cannot change its own, so only those that Attune itself reads can be set in a file.
///
/// @param overrides the `env` block
public record RunEnvironment(Map<String, String> overrides) {
    /// The Hub's variables.
    private static final List<String> HUB =
            List.of(
                    "HF_HOME",
                    "HF_HUB_CACHE",
                    "HF_ENDPOINT",
                    "HF_TOKEN",
                    "HF_TOKEN_PATH",
                    "HF_HUB_OFFLINE",
                    "HF_HUB_DOWNLOAD_TIMEOUT");

    public RunEnvironment {
        overrides = Map.copyOf(overrides);
    }

    /// The variables that are read.
    static List<String> read() {
        return Stream.of(HUB, RunReporters.variables()).flatMap(List::stream).toList();
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
