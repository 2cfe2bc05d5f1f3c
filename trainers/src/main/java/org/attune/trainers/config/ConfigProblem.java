package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// One thing wrong with a configuration.
///
/// @param key the key as written in a run's file, e.g. `learning_rate` or `datasets[0].path`
/// @param value what was given
/// @param accepted what is accepted instead
@Api(EXPERIMENTAL)
public record ConfigProblem(String key, Object value, String accepted) {
    @Override
    public String toString() {
        String shown = value instanceof Enum<?> e ? ConfigNames.wireName(e) : String.valueOf(value);
        return key + ": " + (shown.isEmpty() ? "missing" : shown) + "; accepted: " + accepted;
    }
}
