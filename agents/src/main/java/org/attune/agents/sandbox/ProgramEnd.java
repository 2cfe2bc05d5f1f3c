package org.attune.agents.sandbox;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.Optional;

/// How a program ended.
///
/// @param output what it wrote to both outputs, in order, shortened in the middle if it was long
/// @param exit its exit code; that of a signal is 128 + its number
/// @param limit which limit it was ended for, if any
@Api(EXPERIMENTAL)
public record ProgramEnd(String output, int exit, Optional<Limit> limit) {
    /// A limit that was passed.
    public enum Limit {
        /// It ran too long.
        TIME,
        /// It had too many processes or threads.
        PROCESSES,
        /// Its processes together took too much memory.
        MEMORY,
        /// Its work folder became too large.
        DISK
    }
}
