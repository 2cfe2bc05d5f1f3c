package org.attune.tensor;

import java.util.function.LongSupplier;

/// Keeps a process below a limit as far as freed memory is what exceeds it. Freed memory stays with
/// the process for the next pass; where passes of several models and sizes take turns, it is cut
/// into pieces that the next one doesn't fit into, and grows. A process that is asked to stay small
/// gives it back before a pass that finds it large, which then pays for its pages anew.
public final class ResidentLimit {
    /// Part of the limit that what couldn't be given back may grow by before it is tried again.
    private static final int SHARE = 16;

    private static final ResidentLimit NONE = new ResidentLimit(Long.MAX_VALUE, () -> 0, () -> {});
    private static ResidentLimit current = NONE;

    private final long limit;
    private final LongSupplier resident;
    private final Runnable giveBack;
    private long threshold;

    /// @param limit bytes
    /// @param resident bytes of the process
    /// @param giveBack what is freed
    ResidentLimit(long limit, LongSupplier resident, Runnable giveBack) {
        this.limit = limit;
        this.resident = resident;
        this.giveBack = giveBack;
        threshold = limit;
    }

    /// Sets the process's limit, in place of an earlier one.
    ///
    /// @param bytes from which on freed memory is given back
    /// @param resident says how many there are
    /// @param giveBack gives freed memory back
    public static void set(long bytes, LongSupplier resident, Runnable giveBack) {
        current = new ResidentLimit(bytes, resident, giveBack);
    }

    /// Takes the process's limit away.
    public static void clear() {
        current = NONE;
    }

    /// Call it before memory for a pass is taken.
    public static void beforePass() {
        current.check();
    }

    void check() {
        if (limit == Long.MAX_VALUE || resident.getAsLong() <= threshold) {
            return;
        }
        giveBack.run();
        threshold = Math.max(limit, resident.getAsLong() + limit / SHARE);
    }
}
