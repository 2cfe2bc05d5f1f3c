package org.attune.feedback;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.time.Instant;

/// An adapter that was let in: requests for a model's name are answered with it.
///
/// @param number from 1, over all models of the store
/// @param model the name that requests ask for
/// @param adapter its folder; empty: none, as before the first release
/// @param replaces number of the release that was in force before, which a rollback goes to; 0:
///     none was
/// @param evidence why it was let in, for people
@Api(EXPERIMENTAL)
public record Release(
        int number, String model, String adapter, int replaces, String evidence, Instant time) {
    /// Whether requests are answered as if nothing had ever been let in.
    public boolean isStart() {
        return adapter.isEmpty();
    }
}
