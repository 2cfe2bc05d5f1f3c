package org.attune.ranks.mpi;

import org.attune.ranks.Collective;

import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// Ends a rank that would wait for ever: MPI has no time limits, and a call of it can't be
/// interrupted. A thread looks whether the rank waits for too long, and whether its launcher is
/// still there.
final class RankWatch implements AutoCloseable {
    /// How long a rank lets the others say that they wait too.
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /// Marks are written after this part of the limit, so that they are there when it is reached.
    private static final int MARKED_AFTER = 4;

    private static final Duration LONGEST_TICK = Duration.ofSeconds(1);

    private final Collective ranks;
    private final RankPlace place;
    private final RankMarks marks;
    private final Duration limit;
    private final Consumer<String> end;
    private final BooleanSupplier launched;
    private final Thread thread;
    private volatile boolean closed;
    private RankPlace.Waiting marked;

    /// Begins to watch.
    ///
    /// @param place where this rank stands
    /// @param marks where ranks say that they wait
    /// @param limit of a call between ranks, `ddp_timeout`
    /// @param launched whether what started the rank is still there
    /// @param end is told why, on the watching thread, and ends the process
    public RankWatch(
            Collective ranks,
            RankPlace place,
            RankMarks marks,
            Duration limit,
            BooleanSupplier launched,
            Consumer<String> end) {
        this.ranks = ranks;
        this.place = place;
        this.marks = marks;
        this.limit = limit;
        this.launched = launched;
        this.end = end;
        thread = new Thread(this::watch, "attune-ranks");
        thread.setDaemon(true);
        thread.start();
    }

    private void watch() {
        Duration tick = limit.dividedBy(20);
        try {
            while (!closed) {
                Thread.sleep(tick.compareTo(LONGEST_TICK) < 0 ? tick : LONGEST_TICK);
                if (!launched.getAsBoolean()) {
                    end.accept(
                            "the launcher of this job has gone (%s); the rank ends too"
                                    .formatted(place.text()));
                    return;
                }
                look(place.waiting().orElse(null));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // closed
        }
    }

    private void look(RankPlace.Waiting waiting) throws InterruptedException {
        if (marked != null && marked != waiting) {
            marks.remove(ranks.rank());
            marked = null;
        }
        if (waiting == null) {
            return;
        }
        Duration age = waiting.age();
        if (marked == null && age.compareTo(limit.dividedBy(MARKED_AFTER)) > 0) {
            marks.write(ranks.rank(), place.text());
            marked = waiting;
        }
        if (age.compareTo(limit) > 0) {
            // The first of those that wait speaks, and ends the job for all; if it can't be
            // reached, each for itself.
            Thread.sleep(PATIENCE.multipliedBy(marks.isFirst(ranks.rank()) ? 1 : 2));
            if (place.waiting().orElse(null) == waiting) {
                end.accept(reason(waiting));
            }
        }
    }

    private String reason(RankPlace.Waiting waiting) {
        var text = new StringBuilder();
        text.append(
                "%s waited %d s (ddp_timeout is %d) in %s."
                        .formatted(
                                ranks.where(ranks.rank()),
                                waiting.age().toSeconds(),
                                limit.toSeconds(),
                                place.text()));
        for (int rank = 0; rank < ranks.size(); rank++) {
            if (rank != ranks.rank()) {
                text.append(other(ranks.where(rank), marks.read(rank), place.text()));
            }
        }
        return text.append(" The job ends").toString();
    }

    /// What is known of another rank. A mark of another place may be left of a rank that has been
    /// stopped since, and who waits elsewhere hasn't come either.
    ///
    /// @param mark where it said that it waits, if it did
    /// @param here where this rank waits
    static String other(String there, Optional<String> mark, String here) {
        if (mark.isEmpty()) {
            return " %s hasn't come.".formatted(there);
        }
        return mark.get().equals(here)
                ? " %s waits too, in %s.".formatted(there, here)
                : " %s hasn't come; it was last seen waiting in %s.".formatted(there, mark.get());
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        if (marked != null) {
            marks.remove(ranks.rank());
        }
    }
}
