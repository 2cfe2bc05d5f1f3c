package org.attune.trainers.opening;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.EvalSet;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Set;

class ReadColumnsTest {
    private static PromptExample row(int line, Map<String, Object> columns) {
        return new PromptExample(
                new int[] {1}, "p", List.of(), columns, new RowOrigin("rows.jsonl", line, line));
    }

    private static final RunRows<PromptExample> ROWS =
            new RunRows<>(
                    List.of(
                            row(1, Map.of("task", "sum", "answer", "4")),
                            row(2, Map.of("task", "poem"))),
                    List.of(
                            new EvalSet<>(
                                    "", List.of(row(1, Map.of("task", "poem", "style", "x"))))),
                    null);

    private static String problem(ReadColumns columns) {
        return assertThrows(ConfigException.class, () -> columns.check(ROWS)).getMessage();
    }

    @Test
    void requiredColumnsAreInEveryRowAndUsedOnesInSome() {
        var mine = Set.of("answer", "task");
        new ReadColumns(Map.of("a", Set.of("task")), Map.of("b", mine, "c", Set.of("style")))
                .check(ROWS);
        assertEquals(
                "rows.jsonl:2: reward \"a\" needs the column \"answer\"; the row has [task]. Add"
                    + " it, or give another column its name with datasets: [{path: ..., columns:"
                    + " {theirs: answer}}]",
                problem(new ReadColumns(Map.of("a", Set.of("answer")), Map.of())));
        assertEquals(
                "reward \"b\" takes the column \"label\", which no row has; there are [answer,"
                        + " style, task]. Add it, or give another column its name with datasets:"
                        + " [{path: ..., columns: {theirs: label}}]",
                problem(new ReadColumns(Map.of(), Map.of("b", Set.of("label")))));
    }

    @Test
    void columnsOfARewardAreTogether() {
        var columns =
                new ReadColumns(
                        Map.of("a", Set.of("answer")),
                        Map.of("a", Set.of("task"), "b", Set.of("style")));
        assertEquals(
                Map.of("a", Set.of("answer", "task"), "b", Set.of("style")), columns.byReward());
        assertEquals(Set.of("answer", "task", "style"), columns.all());
    }
}
