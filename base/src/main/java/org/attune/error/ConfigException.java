package org.attune.error;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.Optional;

/// A run's configuration is wrong: unknown key, bad value, or keys that contradict each other.
@Api(STABLE)
public final class ConfigException extends AttuneException {
    private static final long serialVersionUID = 1L;

    private final String key;

    public ConfigException(String message) {
        this("", message, null);
    }

    public ConfigException(String message, Throwable cause) {
        this("", message, cause);
    }

    private ConfigException(String key, String message, Throwable cause) {
        super(message, cause);
        this.key = key;
    }

    /// A value that turns out to be wrong when the run is set up.
    ///
    /// @param key as in a run's file, so that the reader of the file can add the line
    /// @param problem what is wrong with it, and what to do
    public static ConfigException about(String key, String problem) {
        return new ConfigException(key, key + ": " + problem, null);
    }

    /// The key whose value is wrong, if it is one.
    public Optional<String> key() {
        return key.isEmpty() ? Optional.empty() : Optional.of(key);
    }
}
