package org.attune.serve;

import org.attune.rollout.generation.Ticket;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// The answers of one request while they are generated. The engine puts what happens into a queue,
/// which can't hold more than all tokens of the answers; the thread of the connection takes it out.
/// Closing it gives up what is still under way.
final class Generation implements AutoCloseable {
    private final BlockingQueue<AnswerEvent> events = new LinkedBlockingQueue<>();
    private final List<Ticket> tickets = new ArrayList<>(); // of the connection's thread
    private final int answers;
    private final ServerMetrics metrics;
    private final Runnable freed;
    private final long start = System.nanoTime();
    private int ended; // as read
    private final long[] last; // when an answer's last token came; 0: it has none; on the engine

    /// @param answers how many there will be
    /// @param freed called as each of them ends
    Generation(int answers, ServerMetrics metrics, Runnable freed) {
        this.answers = answers;
        this.metrics = metrics;
        this.freed = freed;
        last = new long[answers];
    }

    void add(Ticket ticket) {
        tickets.add(ticket);
    }

    /// Counts what happened, and keeps it for the connection's thread. On the engine thread.
    void tell(AnswerEvent event) {
        long now = System.nanoTime();
        switch (event) {
            case AnswerEvent.Token token -> {
                long before = last[token.choice()];
                metrics.token(before == 0, now - (before == 0 ? start : before));
                last[token.choice()] = now;
            }
            case AnswerEvent.End end -> end(end.choice(), end.reason().name(), now);
            case AnswerEvent.Failure failure -> end(failure.choice(), "FAILED", now);
        }
        events.add(event);
    }

    private void end(int choice, String reason, long now) {
        metrics.ended(reason, last[choice] != 0, now - start);
        freed.run();
    }

    /// Whether all answers were read to their end.
    boolean isRead() {
        return ended == answers;
    }

    /// Waits for what happens next, so long at most.
    Optional<AnswerEvent> next(Duration most) throws InterruptedException {
        Optional<AnswerEvent> event =
                Optional.ofNullable(events.poll(most.toMillis(), TimeUnit.MILLISECONDS));
        if (event.isPresent() && !(event.get() instanceof AnswerEvent.Token)) {
            ended++;
        }
        return event;
    }

    /// Gives up what is still under way.
    @Override
    public void close() {
        tickets.forEach(Ticket::cancel);
        for (int i = tickets.size(); i < answers; i++) { // never submitted
            freed.run();
        }
    }
}
