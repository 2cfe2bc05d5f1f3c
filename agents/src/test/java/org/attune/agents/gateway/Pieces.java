package org.attune.agents.gateway;

import org.attune.text.parse.TurnEvent;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// What is in a reply that nobody sends.
public final class Pieces {
    private Pieces() {}

    /// Takes what has been added so far.
    public static List<TurnEvent> take(PendingReply reply) throws InterruptedException {
        List<TurnEvent> events = new ArrayList<>();
        for (var next = reply.next(Duration.ZERO);
                next.isPresent();
                next = reply.next(Duration.ZERO)) {
            events.add(((PendingReply.Piece.More) next.get()).event());
        }
        return events;
    }
}
