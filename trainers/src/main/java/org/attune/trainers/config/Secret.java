package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.Secrets;

/// A text that nobody else may read: files and messages have a mask in its place.
///
/// @param value the text itself
@Api(EXPERIMENTAL)
public record Secret(String value) {
    public Secret {
        Secrets.learn(value);
    }

    /// Reads it as it stands.
    public static Secret parse(String text) {
        return new Secret(text.strip());
    }

    @Override
    public String toString() {
        return Secrets.MASK;
    }
}
