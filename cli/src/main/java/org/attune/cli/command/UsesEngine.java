package org.attune.cli.command;

import org.attune.error.StopRequest;

/// A command that computes: the engine starts while its arguments are still being checked.
public interface UsesEngine {
    /// Milliseconds between two looks for a wish to stop.
    int LOOK_MILLIS = 200;

    /// Whether the command samples tokens.
    default boolean generates() {
        return false;
    }

    /// Whether the command computes in this process.
    default boolean computesHere() {
        return true;
    }

    /// Whether the command looks after Ctrl-C itself.
    default boolean stopsItself() {
        return false;
    }

    /// What there is when it was stopped, after `stopped; `.
    default String afterStop() {
        return "nothing was written";
    }

    /// Waits for Ctrl-C, as a command does that only answers others.
    ///
    /// @return the exit code, if the thread is interrupted
    /// @throws org.attune.error.StoppedException at Ctrl-C
    static int untilStopped() {
        try {
            while (true) {
                StopRequest.check();
                Thread.sleep(LOOK_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ExitCodes.DONE;
        }
    }
}
