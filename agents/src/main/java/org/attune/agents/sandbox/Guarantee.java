package org.attune.agents.sandbox;

import java.util.Locale;

/// What a sandbox can be asked to guarantee.
public enum Guarantee {
    /// Only the work folder is written, only named folders are read.
    FILES,
    /// No connection is made or taken.
    NETWORK,
    /// No process takes more memory than is allowed.
    MEMORY,
    /// No more processes than are allowed; none reaches others or outlives its program.
    PROCESSES;

    /// As in configurations: `files`.
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }
}
