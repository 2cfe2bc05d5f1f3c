package org.attune.cli.command;

import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.trainers.loop.StopSignal;

import picocli.CommandLine;
import picocli.CommandLine.ExecutionException;

import java.io.PrintWriter;
import java.util.function.IntSupplier;

/// A command that has no checkpoint to write. Ctrl-C and SIGTERM end it between pieces of work, so
/// that what it holds is put away, and it says what there is.
public final class StoppableWork {
    private StoppableWork() {}

    /// @param command that works
    /// @param work runs it, on this thread
    /// @return the exit code
    public static int run(CommandLine command, IntSupplier work) {
        if (!(command.getCommand() instanceof UsesEngine uses) || uses.stopsItself()) {
            return work.getAsInt();
        }
        var stop = new StopSignal();
        try (var _ = new InterruptGuard(stop, InterruptGuard.NOTHING_LOST)) {
            try {
                return StopRequest.watching(stop::requested, work::getAsInt);
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof StoppedException)) {
                    throw e;
                }
                PrintWriter err = command.getErr();
                err.println("attune: stopped; " + uses.afterStop());
                err.flush();
                return ExitCodes.INTERRUPTED;
            }
        }
    }
}
