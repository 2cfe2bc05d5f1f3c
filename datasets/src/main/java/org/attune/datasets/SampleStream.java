package org.attune.datasets;

import org.attune.datasets.formats.Sample;
import org.attune.error.StopRequest;
import org.attune.error.StoppedException;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// Samples that another thread reads, a few of them ahead, as far as they are asked for.
final class SampleStream implements Iterator<Sample>, AutoCloseable {
    private static final int AHEAD = 256;
    private static final int WAIT_MILLIS = 100;

    private final BlockingQueue<Handed> handed = new ArrayBlockingQueue<>(AHEAD);
    private final Thread reader;
    private Handed next;

    private sealed interface Handed {}

    private record Given(Sample sample) implements Handed {}

    /// The last one that is handed over.
    ///
    /// @param failure null where all was read
    private record Ended(Throwable failure) implements Handed {}

    /// @param read hands over all samples
    SampleStream(Consumer<Consumer<Sample>> read) {
        BooleanSupplier asked = StopRequest.current();
        reader = Thread.ofPlatform().daemon().name("attune-reader").start(() -> read(asked, read));
    }

    private void read(BooleanSupplier asked, Consumer<Consumer<Sample>> read) {
        Ended end = ended(asked, read);
        try {
            handed.put(end);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody wants more
        }
    }

    private Ended ended(BooleanSupplier asked, Consumer<Consumer<Sample>> read) {
        try {
            return StopRequest.watching(
                    asked,
                    () -> {
                        read.accept(sample -> hand(new Given(sample)));
                        return new Ended(null);
                    });
        } catch (RuntimeException | Error e) {
            return new Ended(e);
        }
    }

    /// @throws StoppedException if nobody wants more
    private void hand(Handed one) {
        try {
            handed.put(one);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoppedException();
        }
    }

    @Override
    public boolean hasNext() {
        while (next == null) {
            StopRequest.check();
            try {
                next = handed.poll(WAIT_MILLIS, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new StoppedException();
            }
        }
        return switch (next) {
            case Given _ -> true;
            case Ended(Throwable failure) -> {
                switch (failure) {
                    case null -> {}
                    case RuntimeException e -> throw e;
                    case Error e -> throw e;
                    default -> throw new IllegalStateException(failure);
                }
                yield false;
            }
        };
    }

    @Override
    public Sample next() {
        if (!hasNext() || !(next instanceof Given(Sample sample))) {
            throw new NoSuchElementException();
        }
        next = null;
        return sample;
    }

    /// Ends the reading.
    @Override
    public void close() {
        reader.interrupt();
        next = new Ended(null);
    }
}
