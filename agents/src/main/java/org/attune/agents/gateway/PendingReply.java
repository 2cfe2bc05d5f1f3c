package org.attune.agents.gateway;

import org.attune.text.parse.TurnEvent;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// A reply on its way: who answers writes it, piece by piece or whole, and the thread of the
/// connection sends it. Thread-safe.
public final class PendingReply {
    private final BlockingQueue<Piece> pieces = new LinkedBlockingQueue<>();
    private volatile boolean gone;

    /// What is sent next. The last two end the reply.
    sealed interface Piece {
        record More(TurnEvent event) implements Piece {}

        record Whole(ModelReply reply) implements Piece {}

        record Refusal(RequestException why) implements Piece {}
    }

    /// What has become sure of the turn. It isn't needed where the reply isn't streamed.
    public void add(TurnEvent event) {
        pieces.add(new Piece.More(event));
    }

    /// Ends it. What was added before must be the same in pieces, or nothing.
    public void answer(ModelReply reply) {
        pieces.add(new Piece.Whole(reply));
    }

    /// Ends it by an error.
    public void refuse(RequestException why) {
        pieces.add(new Piece.Refusal(why));
    }

    /// Whether the client has gone away, so that more of the reply is of no use.
    public boolean isGone() {
        return gone;
    }

    /// Waits for the next piece for so long at most.
    Optional<Piece> next(Duration most) throws InterruptedException {
        return Optional.ofNullable(pieces.poll(most.toMillis(), TimeUnit.MILLISECONDS));
    }

    /// The client has gone away.
    void abandon() {
        gone = true;
    }
}
