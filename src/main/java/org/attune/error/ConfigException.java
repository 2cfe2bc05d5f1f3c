package org.attune.error;

/// A run's configuration is wrong: unknown key, bad value, or keys that contradict each other.
public final class ConfigException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public ConfigException(String message) {
        super(message);
    }

    public ConfigException(String message, Throwable cause) {
        super(message, cause);
    }
}
