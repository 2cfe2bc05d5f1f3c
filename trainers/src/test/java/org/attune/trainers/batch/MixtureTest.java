package org.attune.trainers.batch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.trainers.examples.TrainingRow;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

class MixtureTest {
    private record Row(int number) implements TrainingRow {
        @Override
        public int length() {
            return number;
        }

        @Override
        public List<int[]> sequences() {
            return List.of(new int[number]);
        }

        @Override
        public List<String> origins() {
            return List.of("row " + number);
        }
    }

    private static List<Row> rows(int from, int count) {
        return IntStream.range(from, from + count).mapToObj(Row::new).toList();
    }

    private static List<List<Row>> sets(int first, int second) {
        return List.of(rows(0, first), rows(first, second));
    }

    private static int[] epoch(RowOrder order, int epoch, int rows) {
        return order.permutation(epoch, order.epochRows(rows));
    }

    @Test
    void anEpochEndsWhereTheStrategySays() {
        // 10 rows at 0.25 last for 40, 60 rows at 0.75 for 80
        List<Integer> sizes = List.of(10, 60);
        List<Double> weights = List.of(1.0, 3.0);
        assertEquals(List.of(10, 30), Mixture.untilFirst(sizes, weights).counts());
        assertEquals(List.of(20, 60), Mixture.untilAll(sizes, weights).counts());
        assertEquals(List.of(10, 60), Mixture.eachOnce(sizes, weights).counts());
        // what is exact on paper isn't in floating point
        List<Double> tenths = List.of(0.1, 0.2, 0.7);
        assertEquals(List.of(1, 2, 7), Mixture.untilFirst(List.of(1, 2, 7), tenths).counts());
        assertEquals(List.of(1, 2, 7), Mixture.untilAll(List.of(1, 2, 7), tenths).counts());
    }

    @Test
    void aDataSetOfWhichNothingComesIsRefused() {
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> Mixture.untilFirst(List.of(10, 1000), List.of(0.99, 0.01)))
                        .getMessage();
        assertTrue(message.contains("an epoch of 10 rows has none of data set 1"), message);
    }

    @Test
    void interleavingIsAnotherInEachEpochAndFollowsFromItsNumber() {
        MixedRows<Row> rows = MixedRows.untilFirst(sets(10, 60), List.of(1.0, 3.0));
        RowOrder order = RowOrder.of(rows, true, 7);
        assertEquals(40, order.epochRows(rows.size()));
        int[] second = epoch(order, 1, 70);
        int[] first = epoch(order, 0, 70);
        assertArrayEquals(second, epoch(RowOrder.of(rows, true, 7), 1, 70)); // resumed
        assertFalse(Arrays.equals(kinds(first), kinds(second)));
        assertFalse(Arrays.equals(first, epoch(RowOrder.of(rows, true, 8), 0, 70)));
        for (int[] each : List.of(first, second)) {
            assertEquals(10, Arrays.stream(each).filter(row -> row < 10).distinct().count());
            assertEquals(30, Arrays.stream(each).filter(row -> row >= 10).distinct().count());
        }
    }

    private static int[] kinds(int[] rows) {
        return Arrays.stream(rows).map(row -> row < 10 ? 0 : 1).toArray();
    }

    @Test
    void aLargeDataSetIsGoneThroughOverEpochs() {
        MixedRows<Row> rows = MixedRows.untilFirst(sets(10, 60), List.of(1.0, 3.0));
        RowOrder order = RowOrder.of(rows, true, 7);
        Set<Integer> seen = new HashSet<>();
        for (int e = 0; e < 2; e++) {
            Arrays.stream(epoch(order, e, 70)).filter(row -> row >= 10).forEach(seen::add);
        }
        assertEquals(60, seen.size()); // two epochs of 30 are one pass
    }

    @Test
    void aSmallDataSetIsRepeatedEvenly() {
        MixedRows<Row> rows = MixedRows.untilAll(sets(8, 60), List.of(1.0, 3.0));
        RowOrder order = RowOrder.of(rows, true, 7);
        for (int e = 0; e < 3; e++) {
            var times =
                    Arrays.stream(epoch(order, e, 68))
                            .boxed()
                            .collect(Collectors.groupingBy(row -> row, Collectors.counting()));
            assertEquals(68, times.size());
            assertEquals(80, times.values().stream().mapToLong(n -> n).sum());
            for (int row = 0; row < 8; row++) { // 20 rows of 8
                assertTrue(times.get(row) == 2 || times.get(row) == 3, times.toString());
            }
        }
    }

    @Test
    void withoutReplacementEachRowComesOnceAndTheLikelierSetEarlier() {
        MixedRows<Row> rows = MixedRows.eachOnce(sets(50, 50), List.of(9.0, 1.0));
        int[] all = epoch(RowOrder.of(rows, true, 3), 0, 100);
        assertEquals(100, Arrays.stream(all).distinct().count());
        long early = Arrays.stream(all, 0, 50).filter(row -> row < 50).count();
        assertTrue(early > 38, "of the first 50 rows " + early); // 45 are expected, 2 deviations
    }

    @Test
    void sequentialKeepsTheOrderOfEachDataSet() {
        MixedRows<Row> rows = MixedRows.untilFirst(sets(10, 60), List.of(1.0, 3.0));
        RowOrder order = RowOrder.of(rows, false, 7);
        int[] large = Arrays.stream(epoch(order, 1, 70)).filter(row -> row >= 10).toArray();
        assertArrayEquals(IntStream.range(40, 70).toArray(), large);
    }

    @Test
    void rowsStandOneDataSetAfterTheOther() {
        MixedRows<Row> rows = MixedRows.untilFirst(sets(2, 3), List.of(1.0, 1.0));
        assertEquals(rows(0, 5), List.copyOf(rows));
        assertArrayEquals(new int[] {0, 1, 2, 3, 4}, MixedRows.lengths(rows));
        assertEquals(5, RowOrder.of(rows(0, 5), true, 1).epochRows(5)); // no mixture
    }

    @Test
    void aPlanHasTheStepsOfTheMixture() {
        MixedRows<Row> rows = MixedRows.untilFirst(sets(10, 60), List.of(1.0, 3.0));
        RowOrder order = RowOrder.of(rows, true, 7);
        var plan = new BatchPlan(order.epochRows(70), 4, 2, false, order);
        assertEquals(5, plan.stepsPerEpoch());
        int[] all =
                IntStream.range(5, 10)
                        .mapToObj(plan::window)
                        .flatMap(window -> window.microBatches().stream())
                        .flatMapToInt(Arrays::stream)
                        .toArray();
        assertArrayEquals(epoch(RowOrder.of(rows, true, 7), 1, 70), all);
    }
}
