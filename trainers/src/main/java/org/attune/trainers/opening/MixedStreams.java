package org.attune.trainers.opening;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.trainers.config.StoppingStrategy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/// Elements of several streams. Which of them gives the next one is drawn each time, as
/// `interleave_datasets` of Hugging Face's `datasets` does with iterable data sets.
final class MixedStreams<T> implements Iterator<T>, AutoCloseable {
    private final List<IntFunction<Stream<T>>> sources;
    private final double[] weights;
    private final StoppingStrategy until;
    private final UniformRandomProvider random;
    private final int[] times;
    private final List<Stream<T>> open = new ArrayList<>();
    private final List<Iterator<T>> elements = new ArrayList<>();
    private int drawn = -1;
    private boolean ended;

    /// @param sources each opens its elements, for the first time, 0, or anew
    /// @param weights how often each is drawn, > 0; only ratios count
    /// @param until when to end
    MixedStreams(
            List<IntFunction<Stream<T>>> sources,
            List<Double> weights,
            StoppingStrategy until,
            UniformRandomProvider random) {
        this.sources = sources;
        this.weights = weights.stream().mapToDouble(Double::doubleValue).toArray();
        this.until = until;
        this.random = random;
        times = new int[sources.size()];
        for (IntFunction<Stream<T>> source : sources) {
            open.add(source.apply(0));
            elements.add(open.getLast().iterator());
        }
    }

    @Override
    public boolean hasNext() {
        while (drawn < 0 && !ended) {
            int source = draw();
            if (elements.get(source).hasNext()) {
                drawn = source;
            } else {
                exhausted(source);
            }
        }
        return !ended;
    }

    private void exhausted(int source) {
        times[source]++;
        switch (until) {
            case FIRST_EXHAUSTED -> ended = true;
            case ALL_EXHAUSTED -> {
                ended = Arrays.stream(times).allMatch(n -> n > 0);
                if (!ended) {
                    open.get(source).close();
                    open.set(source, sources.get(source).apply(times[source]));
                    elements.set(source, open.get(source).iterator());
                }
            }
            case ALL_EXHAUSTED_WITHOUT_REPLACEMENT -> {
                weights[source] = 0;
                ended = Arrays.stream(weights).allMatch(weight -> weight == 0);
            }
        }
    }

    private int draw() {
        double at = random.nextDouble() * Arrays.stream(weights).sum();
        int last = 0;
        for (int i = 0; i < weights.length; i++) {
            if (weights[i] > 0) {
                last = i;
                at -= weights[i];
                if (at < 0) {
                    break;
                }
            }
        }
        return last;
    }

    @Override
    public T next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        T next = elements.get(drawn).next();
        drawn = -1;
        return next;
    }

    @Override
    public void close() {
        open.forEach(Stream::close);
    }
}
