package org.attune.policy;

import org.attune.tensor.Engine;

import java.util.Iterator;
import java.util.function.Consumer;

/// Work on the engine thread that is cut into pieces. Who calls it from another thread lets other
/// work have its turn between two of them, such as a token of answers that are being generated. On
/// the engine thread itself all pieces are done at once.
final class EnginePieces {
    /// A handover costs a turn of the others, so what takes less than this is done together.
    private static final long TOGETHER_NANOS = 500_000;

    private EnginePieces() {}

    /// Does something with each item, in order.
    static <T> void each(Iterable<T> items, Consumer<T> work) {
        Iterator<T> left = items.iterator();
        while (left.hasNext()) {
            Engine.run(
                    () -> {
                        long end = System.nanoTime() + TOGETHER_NANOS;
                        do {
                            work.accept(left.next());
                        } while (left.hasNext() && System.nanoTime() < end);
                    });
        }
    }
}
