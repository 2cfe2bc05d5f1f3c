package org.attune.cli.config;

import org.attune.files.HubCache;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Environment variables as the run sees them: the `env` block of its file over the process's. A
/// JVM cannot change its own, so only those that Attune itself reads can be set in a file.
///
/// @param overrides the `env` block
public record RunEnvironment(Map<String, String> overrides) {
    /// The variables that are read.
    public static final Set<String> READ = Set.of("HF_HOME", "HF_HUB_CACHE");

    public RunEnvironment {
        overrides = Map.copyOf(overrides);
    }

    public Optional<String> get(String name) {
        String value = overrides.get(name);
        return Optional.ofNullable(value == null ? System.getenv(name) : value)
                .filter(v -> !v.isBlank());
    }

    /// The hub cache that these variables name.
    public HubCache hubCache() {
        Map<String, String> all = new HashMap<>(System.getenv());
        all.putAll(overrides);
        return HubCache.of(all, Path.of(System.getProperty("user.home")));
    }
}
