package org.attune.trainers.batch;

import org.attune.policy.SequenceTree;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/// Deals the rows of a step to logical devices by their tokens: the longest first, each to the
/// device that has the fewest. Rows that would be computed together for less stay together. What
/// comes out depends on the rows alone.
public final class Dealing {
    /// Rows stay together where the second one costs less than this part of its tokens.
    private static final double WORTH = 0.5;

    private Dealing() {}

    /// Rows that stay together.
    private record Bundle<T>(int number, List<T> rows, long tokens) {}

    /// A device while rows are dealt.
    private record Hand<T>(int device, long tokens, List<Bundle<T>> bundles) {
        Hand<T> with(Bundle<T> more) {
            List<Bundle<T>> all = new ArrayList<>(bundles);
            all.add(more);
            return new Hand<>(device, tokens + more.tokens(), all);
        }
    }

    /// The rows of each device, of some perhaps none. One device has all, as they are.
    ///
    /// @param devices ≥ 1
    /// @param sequences token ids of each row's sequences, of at least one
    /// @param shares whether rows that begin alike are computed together
    public static <T> List<List<T>> of(
            List<T> rows, int devices, Function<T, List<int[]>> sequences, boolean shares) {
        return devices == 1
                ? List.of(rows)
                : dealt(bundles(rows, devices, sequences, shares), devices);
    }

    /// Deals rows whose costs are known to devices, of which some may get none.
    ///
    /// @param cost of a row, > 0
    public static <T> List<List<T>> byCost(List<T> rows, int devices, ToLongFunction<T> cost) {
        if (devices == 1) {
            return List.of(rows);
        }
        List<Bundle<T>> bundles = new ArrayList<>();
        for (T row : rows) {
            bundles.add(new Bundle<>(bundles.size(), List.of(row), cost.applyAsLong(row)));
        }
        return dealt(bundles, devices);
    }

    /// Deals rows to devices so that those of a group stay together, as the completions of a
    /// prompt.
    ///
    /// @param group what rows have in common that belong together
    public static <T> List<List<T>> whole(
            List<T> rows,
            int devices,
            Function<T, List<int[]>> sequences,
            boolean shares,
            Function<T, Object> group) {
        if (devices == 1) {
            return List.of(rows);
        }
        Map<Object, List<T>> groups = new LinkedHashMap<>();
        rows.forEach(
                row -> groups.computeIfAbsent(group.apply(row), _ -> new ArrayList<>()).add(row));
        List<Bundle<T>> bundles = new ArrayList<>();
        for (List<T> together : groups.values()) {
            long tokens = 0;
            List<int[]> first = sequences.apply(together.getFirst());
            for (T row : together) {
                List<int[]> own = sequences.apply(row);
                tokens += shares && row != together.getFirst() ? added(first, own) : tokens(own);
            }
            bundles.add(new Bundle<>(bundles.size(), together, tokens));
        }
        return dealt(bundles, devices);
    }

    private static <T> List<List<T>> dealt(List<Bundle<T>> bundles, int devices) {
        var hands =
                new PriorityQueue<Hand<T>>(
                        Comparator.<Hand<T>>comparingLong(Hand::tokens)
                                .thenComparingInt(Hand::device));
        for (int device = 0; device < devices; device++) {
            hands.add(new Hand<>(device, 0, List.of()));
        }
        bundles.stream()
                .sorted(
                        Comparator.<Bundle<T>>comparingLong(b -> -b.tokens())
                                .thenComparingInt(Bundle::number))
                .forEach(bundle -> hands.add(hands.remove().with(bundle)));
        return hands.stream()
                .sorted(Comparator.comparingInt(Hand::device))
                .map(
                        hand ->
                                hand.bundles().stream()
                                        .sorted(Comparator.comparingInt(Bundle::number))
                                        .flatMap(bundle -> bundle.rows().stream())
                                        .toList())
                .toList();
    }

    /// Neighbours that begin alike, as long as a device's part of the step is not exceeded.
    private static <T> List<Bundle<T>> bundles(
            List<T> rows, int devices, Function<T, List<int[]>> sequences, boolean shares) {
        long all = rows.stream().mapToLong(row -> tokens(sequences.apply(row))).sum();
        List<Bundle<T>> bundles = new ArrayList<>();
        Optional<List<int[]>> before = Optional.empty();
        for (T row : rows) {
            List<int[]> own = sequences.apply(row);
            long tokens = tokens(own);
            long added = shares && before.isPresent() ? added(before.get(), own) : tokens;
            before = Optional.of(own);
            boolean joins = false;
            if (added < WORTH * tokens) {
                Bundle<T> last = bundles.getLast();
                joins = (last.tokens() + added) * devices <= all;
                if (joins) {
                    List<T> together = new ArrayList<>(last.rows());
                    together.add(row);
                    bundles.set(
                            last.number(),
                            new Bundle<>(last.number(), together, last.tokens() + added));
                }
            }
            if (!joins) {
                bundles.add(new Bundle<>(bundles.size(), List.of(row), tokens));
            }
        }
        return bundles;
    }

    private static long added(List<int[]> before, List<int[]> own) {
        List<int[]> others = new ArrayList<>(before);
        long added = 0;
        for (int[] sequence : own) {
            added += SequenceTree.added(others, sequence);
            others.add(sequence);
        }
        return added;
    }

    private static long tokens(List<int[]> sequences) {
        return sequences.stream().mapToLong(s -> s.length).sum();
    }
}
