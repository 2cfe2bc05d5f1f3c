package org.attune.cli;

/// Exit codes of the process.
final class ExitCodes {
    static final int DONE = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;

    /// A run of `attune auto` that made the model no better.
    static final int NO_BETTER = 3;

    /// 128 + SIGINT, as shells count.
    static final int INTERRUPTED = 130;

    private ExitCodes() {}
}
