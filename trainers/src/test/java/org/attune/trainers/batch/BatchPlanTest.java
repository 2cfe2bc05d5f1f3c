package org.attune.trainers.batch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.policy.TokenBudget;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

class BatchPlanTest {
    @Test
    void lastMicroBatchAndLastWindowMayBeShort() {
        // 11 rows in micro-batches of 2: 6 micro-batches, the last of 1 row; in windows of 4
        var plan = new BatchPlan(11, 2, 4, false, new RowOrder.Sequential());
        assertEquals(2, plan.stepsPerEpoch());
        assertEquals(6, plan.steps(3));
        assertEquals(3, plan.steps(1.01));
        assertEquals(4, plan.window(0).microBatches().size());
        BatchPlan.Window last = plan.window(1);
        assertEquals(2, last.microBatches().size());
        assertArrayEquals(new int[] {8, 9}, last.microBatches().get(0));
        assertArrayEquals(new int[] {10}, last.microBatches().get(1));
        assertEquals(3, last.rows());
        assertEquals(1, plan.window(2).epoch());
    }

    @Test
    void dropLastLeavesTheIncompleteMicroBatchOut() {
        var plan = new BatchPlan(11, 2, 4, true, new RowOrder.Sequential());
        assertEquals(5, plan.microBatchesPerEpoch());
        assertEquals(1, plan.window(1).microBatches().size());
        assertThrows(
                IllegalArgumentException.class,
                () -> new BatchPlan(1, 2, 1, true, new RowOrder.Sequential()));
    }

    @Test
    void everyEpochVisitsEveryRowOnceInAnotherOrder() {
        var plan = new BatchPlan(23, 3, 2, false, new RowOrder.Shuffled(42));
        List<Integer> first = rowsOfEpoch(plan, 0);
        List<Integer> second = rowsOfEpoch(plan, 1);
        assertEquals(23, new TreeSet<>(first).size());
        assertEquals(23, first.size());
        assertEquals(new TreeSet<>(first), new TreeSet<>(second));
        assertFalse(first.equals(second), "epochs have the same order");
        assertEquals(first, rowsOfEpoch(plan, 0));
        assertFalse(
                first.equals(
                        rowsOfEpoch(new BatchPlan(23, 3, 2, false, new RowOrder.Shuffled(43)), 0)),
                "seeds have the same order");
    }

    @Test
    void groupingByLengthPutsTheLongestRowFirst() {
        int[] lengths = {3, 9, 4, 1, 7, 2};
        int[] order = new RowOrder.GroupedByLength(42, lengths, 2).permutation(0, 6);
        assertEquals(1, order[0]);
        assertArrayEquals(
                new int[] {9, 7, 4, 3, 2, 1}, Arrays.stream(order).map(i -> lengths[i]).toArray());
    }

    private static List<Integer> rowsOfEpoch(BatchPlan plan, int epoch) {
        var rows = new ArrayList<Integer>();
        int steps = plan.stepsPerEpoch();
        for (int step = epoch * steps; step < (epoch + 1) * steps; step++) {
            for (int[] microBatch : plan.window(step).microBatches()) {
                Arrays.stream(microBatch).forEach(rows::add);
            }
        }
        return rows;
    }

    @Test
    void budgetKeepsOrderAndLetsLongRowsStandAlone() {
        List<List<Integer>> groups =
                new TokenBudget(10).groups(List.of(4, 6, 1, 25, 3), Integer::intValue);
        assertEquals(List.of(List.of(4), List.of(6, 1), List.of(25), List.of(3)), groups);
    }

    @Test
    void groupsAreAsFewAndAsEqualAsTheBudgetAllows() {
        assertEquals(
                List.of(List.of(3, 3), List.of(3, 3)),
                new TokenBudget(11).groups(List.of(3, 3, 3, 3), Integer::intValue));
    }

    /// Six rows of 32 tokens, of which all share 20 and three 10 more; a beginning may cost up to 7
    /// tokens more than it has to.
    @Test
    void whatAGroupSharesCostsItsTokensOnce() {
        List<int[]> rows = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            int[] ids = new int[32];
            Arrays.fill(ids, 20, 30, 1 + i / 3);
            Arrays.fill(ids, 30, 32, 10 + i);
            rows.add(ids);
        }
        assertEquals(List.of(rows.subList(0, 3), rows.subList(3, 6)), groups(50, rows, true));
        assertEquals(List.of(rows), groups(94, rows, true));
        assertEquals(6, groups(50, rows, false).size());
    }

    private static List<List<int[]>> groups(int budget, List<int[]> rows, boolean shares) {
        return new TokenBudget(budget).groups(rows, List::of, shares);
    }
}
