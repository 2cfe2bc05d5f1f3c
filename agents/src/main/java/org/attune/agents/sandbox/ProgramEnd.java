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
        /// The program ran too long.
        TIME,
        /// The program had too many processes or threads.
        PROCESSES,
        /// The program's processes together took too much memory.
        MEMORY,
        /// The program's work folder became too large.
        DISK
    }
}
