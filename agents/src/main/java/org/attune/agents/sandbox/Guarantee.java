package org.attune.agents.sandbox;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/// What a sandbox can be asked to guarantee.
@Api(EXPERIMENTAL)
public enum Guarantee {
    /// Only the work folder is written, only named folders are read.
    FILES,
    /// No connection is made or taken.
    NETWORK,
    /// No process takes more memory than is allowed.
    MEMORY,
    /// No more processes than are allowed; none reaches others or outlives its program.
    PROCESSES,
    /// No more bytes in files than are allowed, also in those that were deleted.
    DISK;

    /// All guarantees, without which no program of a model is run unless a run's file says so.
    public static Set<Guarantee> all() {
        return EnumSet.allOf(Guarantee.class);
    }

    /// The guarantee's name in configurations: `files`.
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }
}
