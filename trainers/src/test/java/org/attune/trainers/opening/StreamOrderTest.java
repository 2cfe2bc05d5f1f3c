package org.attune.trainers.opening;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.trainers.config.StoppingStrategy;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// In which order streams give what they have.
class StreamOrderTest {
    private static UniformRandomProvider random(long seed) {
        return RandomSource.XO_SHI_RO_256_PP.create(seed);
    }

    private static <T> List<T> all(Iterator<T> elements) {
        List<T> all = new ArrayList<>();
        elements.forEachRemaining(all::add);
        return all;
    }

    private static List<Integer> shuffled(int size, long seed) {
        Iterator<Integer> numbers = IntStream.range(0, 1000).iterator();
        return all(new ShuffleBuffer<>(numbers, size, random(seed)));
    }

    @Test
    void aBufferGivesEachOnceAndNoneMuchEarlier() {
        List<Integer> order = shuffled(50, 1);
        assertEquals(IntStream.range(0, 1000).boxed().toList(), order.stream().sorted().toList());
        for (int i = 0; i < order.size(); i++) {
            assertTrue(order.get(i) < i + 50, "%d came at %d".formatted(order.get(i), i));
        }
        double moved = 0;
        for (int i = 0; i < 1000; i++) {
            moved += Math.abs(order.get(i) - i) / 1000.0;
        }
        assertTrue(moved > 20, "elements are moved by %f on average".formatted(moved));
        assertEquals(order, shuffled(50, 1));
        assertNotEquals(order, shuffled(50, 2));
        assertEquals(IntStream.range(0, 1000).boxed().toList(), shuffled(1, 1));
        assertEquals(1000, shuffled(5000, 1).stream().distinct().count());
    }

    private static List<Integer> mixed(StoppingStrategy until, int... sizes) {
        List<IntFunction<Stream<Integer>>> sources = new ArrayList<>();
        for (int i = 0; i < sizes.length; i++) {
            int source = i;
            sources.add(time -> IntStream.range(0, sizes[source]).mapToObj(n -> 1000 * source + n));
        }
        try (var mixed = new MixedStreams<>(sources, List.of(3.0, 1.0), until, random(4))) {
            return all(mixed);
        }
    }

    @Test
    void streamsAreInterleavedByTheirShares() {
        List<Integer> first = mixed(StoppingStrategy.FIRST_EXHAUSTED, 600, 900);
        long ofFirst = first.stream().filter(n -> n < 1000).count();
        assertEquals(600, ofFirst);
        assertEquals(200, (double) (first.size() - ofFirst), 45); // 600 / 3, four deviations
        List<Integer> all = mixed(StoppingStrategy.ALL_EXHAUSTED, 60, 90);
        assertEquals(90, all.stream().filter(n -> n >= 1000).count());
        assertEquals(270, (double) all.stream().filter(n -> n < 1000).count(), 90);
        assertEquals(150, all.stream().distinct().count());
        List<Integer> once = mixed(StoppingStrategy.ALL_EXHAUSTED_WITHOUT_REPLACEMENT, 60, 90);
        assertEquals(150, once.size());
        assertEquals(150, once.stream().distinct().count());
        assertEquals(once, mixed(StoppingStrategy.ALL_EXHAUSTED_WITHOUT_REPLACEMENT, 60, 90));
    }
}
