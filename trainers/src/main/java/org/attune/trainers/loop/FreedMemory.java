package org.attune.trainers.loop;

import org.attune.tensor.Engine;

import java.util.function.LongSupplier;

/// Keeps a run's resident memory near what a step needs. Freed memory stays with the process. Where
/// micro-batches differ in size, it is cut into pieces that the next ones don't fit into: without
/// this a run grows from step to step. For one thread.
public final class FreedMemory {
    /// Growth beyond which giving back pays: a tenth of what a step needs.
    private static final int SHARE = 10;

    private final LongSupplier resident;
    private final Runnable giveBack;
    private final int window;
    private int steps; // since it was given back, at most `window`
    private long needed;

    /// @param window steps after giving back that show what a step needs: several where their rows
    ///     are of other lengths, since what is given back costs as much time as it takes to touch
    ///     it again
    public FreedMemory(int window) {
        this(window, ProcessMemory::residentBytes, Engine::giveBackFreedMemory);
    }

    /// @param resident bytes of the process; 0 where the system doesn't tell, and nothing is done
    /// @param giveBack what is freed
    FreedMemory(int window, LongSupplier resident, Runnable giveBack) {
        this.window = window;
        this.resident = resident;
        this.giveBack = giveBack;
    }

    /// After an optimizer step.
    public void afterStep() {
        long now = resident.getAsLong();
        if (steps < window) {
            needed = Math.max(needed, now);
            steps++;
        } else if (now > needed + needed / SHARE) {
            giveBack();
        }
    }

    /// After other work than steps, whose memory they would keep.
    void giveBack() {
        giveBack.run();
        steps = 0;
    }
}
