package org.attune.trainers.opening;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/// Draws the next element among those that are read ahead, as the `shuffle` of Hugging Face's
/// iterable data sets. An element comes at most as much earlier as the buffer has places, and any
/// time later.
final class ShuffleBuffer<T> implements Iterator<T> {
    private final Iterator<T> from;
    private final int size;
    private final UniformRandomProvider random;
    private final List<T> buffer = new ArrayList<>();

    /// @param size places of the buffer, ≥ 1
    ShuffleBuffer(Iterator<T> from, int size, UniformRandomProvider random) {
        this.from = from;
        this.size = size;
        this.random = random;
    }

    @Override
    public boolean hasNext() {
        return !buffer.isEmpty() || from.hasNext();
    }

    @Override
    public T next() {
        while (buffer.size() < size && from.hasNext()) {
            buffer.add(from.next());
        }
        if (buffer.isEmpty()) {
            throw new NoSuchElementException();
        }
        int place = random.nextInt(buffer.size());
        T drawn = buffer.get(place);
        T last = buffer.removeLast();
        if (place < buffer.size()) {
            buffer.set(place, last);
        }
        return drawn;
    }
}
