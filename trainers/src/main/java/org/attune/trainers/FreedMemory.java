package org.attune.trainers;

import org.attune.tensor.Engine;

import java.util.function.LongSupplier;

/// Keeps a run's resident memory near what a step needs. Freed memory stays with the process, and
/// where micro-batches are of ever other sizes it is cut into pieces that the next ones don't fit
/// into: without this a run grows from step to step. For one thread.
final class FreedMemory {
    /// Growth beyond which giving back pays: a tenth of what a step needs.
    private static final int SHARE = 10;

    private final LongSupplier resident;
    private final Runnable giveBack;
    private boolean fresh = true;
    private long needed;

    FreedMemory() {
        this(ProcessMemory::residentBytes, Engine::giveBackFreedMemory);
    }

    /// @param resident bytes of the process; 0 where the system doesn't tell, and nothing is done
    /// @param giveBack what is freed
    FreedMemory(LongSupplier resident, Runnable giveBack) {
        this.resident = resident;
        this.giveBack = giveBack;
    }

    /// After an optimizer step. The first one after giving back shows what a step needs.
    void afterStep() {
        long now = resident.getAsLong();
        if (fresh) {
            needed = Math.max(needed, now);
            fresh = false;
        } else if (now > needed + needed / SHARE) {
            giveBack();
        }
    }

    /// After other work than steps, whose memory they would keep.
    void giveBack() {
        giveBack.run();
        fresh = true;
    }
}
