package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.tensor.Engine;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Work that lets others have the engine between two of its pieces.
class EnginePiecesTest {
    private final List<String> order = Collections.synchronizedList(new ArrayList<>());
    private final List<Thread> others = new ArrayList<>();

    /// Long enough for another task to come into the queue.
    private void piece(int number) {
        order.add("piece " + number);
        others.add(Thread.startVirtualThread(() -> Engine.run(() -> order.add("other " + number))));
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private List<String> joined() throws InterruptedException {
        for (Thread other : others) {
            other.join();
        }
        return List.copyOf(order);
    }

    @Test
    void othersHaveTheirTurnInBetween() throws InterruptedException {
        Engine.run(() -> {}); // it has started
        EnginePieces.each(List.of(1, 2, 3), this::piece);
        assertEquals(
                List.of("piece 1", "other 1", "piece 2", "other 2", "piece 3", "other 3"),
                joined());
    }

    @Test
    void onTheEngineThreadItIsOnePiece() throws InterruptedException {
        Engine.run(() -> EnginePieces.each(List.of(1, 2), this::piece));
        assertEquals(List.of("piece 1", "piece 2"), joined().subList(0, 2));
    }
}
