package org.attune.ranks.mpi;

import org.attune.error.CollectiveException;
import org.attune.ranks.RankTimes;
import org.attune.tensor.mpi.MpiLibrary;

import java.util.function.Supplier;

/// Calls of the library with what belongs around each: the thread that may make them, where the
/// rank stands, how long it takes, and what a failure says.
final class MpiCalls {
    private final MpiLibrary library;
    private final Thread owner = Thread.currentThread();
    private final RankPlace place;
    private final int rank;
    private final int size;
    private String host = "an unknown machine";
    private boolean failed;

    private long waitNanos;
    private long moveNanos;
    private long sentBytes;

    /// Calls of a library, on the thread that makes this object.
    MpiCalls(MpiLibrary library) {
        this(library, new RankPlace());
    }

    /// @param place of this process, in whichever calls it is
    MpiCalls(MpiLibrary library, RankPlace place) {
        this.library = library;
        this.place = place;
        rank = library.rank();
        size = library.size();
    }

    MpiLibrary library() {
        return library;
    }

    RankPlace place() {
        return place;
    }

    int rank() {
        return rank;
    }

    int size() {
        return size;
    }

    void onHost(String name) {
        host = name;
    }

    /// Counts bytes that this rank gives to others.
    void sent(long bytes) {
        sentBytes += bytes;
    }

    RankTimes times() {
        return new RankTimes(waitNanos / 1e9, moveNanos / 1e9, sentBytes);
    }

    /// Moves much: what passes until all ranks are here is waiting.
    void move(String what, Runnable work) {
        begin(what);
        try {
            long begun = System.nanoTime();
            barrier(what);
            long met = System.nanoTime();
            work.run();
            waitNanos += met - begun;
            moveNanos += System.nanoTime() - met;
        } finally {
            place.end();
        }
    }

    /// Says little: all of it is waiting.
    <T> T meet(String what, Supplier<T> work) {
        begin(what);
        try {
            long begun = System.nanoTime();
            T said = work.get();
            waitNanos += System.nanoTime() - begun;
            return said;
        } finally {
            place.end();
        }
    }

    void barrier(String what) {
        check("MPI_Barrier", what, library.barrier());
    }

    private void begin(String what) {
        if (Thread.currentThread() != owner) {
            throw new IllegalStateException(
                    "%s: ranks talk on the thread %s, not on %s"
                            .formatted(what, owner.getName(), Thread.currentThread().getName()));
        }
        if (failed) {
            throw new CollectiveException(
                    "%s: a call between ranks has failed before; no further one is possible"
                            .formatted(what));
        }
        place.begin(what);
    }

    /// @param code what a call gave back
    /// @throws CollectiveException if it isn't 0
    void check(String call, String what, int code) {
        if (code != 0) {
            failed = true;
            throw new CollectiveException(
                    "%s for %s failed (%s) on rank %d of %d on %s: %s"
                            .formatted(
                                    call,
                                    what,
                                    place.text(),
                                    rank,
                                    size,
                                    host,
                                    library.errorText(code)));
        }
    }

    /// Ends the use of the library, unless a call failed: others may not come.
    void finish() {
        if (!failed) {
            int _ = library.finish();
        }
    }
}
