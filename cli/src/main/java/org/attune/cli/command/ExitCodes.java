package org.attune.cli.command;

import org.attune.error.ConfigException;

/// Exit codes of the process.
public final class ExitCodes {
    public static final int DONE = 0;
    public static final int FAILED = 1;
    public static final int USAGE = 2;

    /// A run of `attune auto` or `attune learn` that made the model no better.
    public static final int NO_BETTER = 3;

    /// 128 + SIGINT, as shells count.
    public static final int INTERRUPTED = 130;

    private ExitCodes() {}

    /// The code of a command that failed.
    public static int of(Exception failure) {
        return failure instanceof ConfigException ? USAGE : FAILED;
    }
}
