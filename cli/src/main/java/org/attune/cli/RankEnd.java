package org.attune.cli;

import org.attune.cli.command.ExitCodes;
import org.attune.cli.terminal.SignalHook;
import org.attune.ranks.RankSession;
import org.attune.trainers.loop.StopSignal;

/// How a training command ends that is one of several processes. The only process of a run ends as
/// ever.
final class RankEnd {
    /// So long other ranks keep back what they failed with, which is mostly what rank 0 says.
    private static final int OTHERS_WAIT_MILLIS = 2000;

    /// A collective that took too long; others may do the same again. As `EX_TEMPFAIL`.
    private static final int GAVE_UP = 75;

    private final RankSession session;

    RankEnd(RankSession session) {
        this.session = session;
    }

    private boolean isAlone() {
        return session.ranks().size() == 1;
    }

    /// Lets the launcher's wish to stop reach the run: `kill -USR1` of `mpirun` reaches all ranks.
    SignalHook heed(StopSignal stop) {
        return isAlone() ? SignalHook.none() : SignalHook.on("USR1", stop::request);
    }

    /// A rank that ends with another code than 0 would have the others killed, which may still be
    /// writing; what `--ranks` started knows that it asked them to stop.
    int exitCode(int code) {
        return !isAlone() && code == ExitCodes.INTERRUPTED ? ExitCodes.DONE : code;
    }

    /// Lets rank 0 speak first.
    void failed() {
        if (session.ranks().rank() > 0) {
            try {
                Thread.sleep(OTHERS_WAIT_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /// Ends a rank that has waited for too long, whatever it is doing.
    void giveUp(String reason) {
        System.err.println("attune: " + reason);
        System.err.flush();
        session.abandon();
        Runtime.getRuntime().halt(GAVE_UP);
    }
}
