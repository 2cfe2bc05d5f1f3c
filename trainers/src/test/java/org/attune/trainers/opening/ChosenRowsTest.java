package org.attune.trainers.opening;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.LoadedDataset.Source;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.trainers.batch.RowOrder;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.StoppingStrategy;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.prepare.PreparationReport;
import org.attune.trainers.prepare.Prepared;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

class ChosenRowsTest {
    private static final List<Source> SOURCES =
            List.of(new Source("a", "text", 3), new Source("b", "text", 5));

    private static DataConfig mixture() {
        return DataConfig.of("a", "b").withProbabilities(List.of(1.0, 2.0));
    }

    @Test
    void rowsOfAMixtureStayApart() {
        assertEquals(
                List.of(List.of(0, 1, 2, 3, 4, 5, 6, 7)),
                ChosenRows.of(DataConfig.of("a", "b"), SOURCES, 1, 1).parts());
        assertEquals(
                List.of(List.of(0, 1, 2), List.of(3, 4, 5, 6, 7)),
                ChosenRows.of(mixture(), SOURCES, 1, 1).parts());
        List<List<Integer>> shuffled =
                ChosenRows.of(mixture().withShuffleDataset(true), SOURCES, 1, 5).parts();
        assertEquals(List.of(3, 4, 5, 6, 7), shuffled.get(1).stream().sorted().toList());
        assertTrue(!shuffled.get(1).equals(List.of(3, 4, 5, 6, 7)), shuffled.toString());
    }

    @Test
    void heldOutRowsAreTakenFromAll() {
        ChosenRows chosen = ChosenRows.of(mixture().withTestSplitSize(2), SOURCES, 1, 1);
        var all = new ArrayList<>(chosen.aside());
        chosen.parts().forEach(all::addAll);
        assertEquals(List.of(0, 1, 2, 3, 4, 5, 6, 7), all.stream().sorted().toList());
        assertTrue(chosen.parts().getFirst().stream().allMatch(place -> place < 3));
        var few = List.of(new Source("a", "text", 1), new Source("b", "text", 5));
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> {
                                    for (int seed = 0; seed < 20; seed++) {
                                        ChosenRows.of(mixture().withTestSplitSize(3), few, seed, 1);
                                    }
                                })
                        .getMessage();
        assertTrue(message.contains("holds out all rows of a"), message);
    }

    @Test
    void runsGetTheMixture() {
        var data = mixture().withStoppingStrategy(StoppingStrategy.ALL_EXHAUSTED);
        RunRows<PackedRow> rows =
                ChosenRows.of(data, SOURCES, 1, 1)
                        .joined(List.of(prepared(3), prepared(5)), List.of());
        RowOrder order = RowOrder.of(rows.train(), true, 1);
        assertEquals(9, order.epochRows(8)); // 3 and 6: both are used up
        assertEquals(8, rows.report().rowsOut());
        assertEquals(1, rows.train().get(7).documents().size());
    }

    private static Prepared<PackedRow> prepared(int count) {
        var rows = new ArrayList<PackedRow>();
        for (int i = 0; i < count; i++) {
            rows.add(
                    new PackedRow(
                            List.of(
                                    new SftExample(
                                            new int[] {i},
                                            new boolean[] {true},
                                            new RowOrigin("f", i, i)))));
        }
        return new Prepared<>(
                rows, new PreparationReport(count, count, count, count, List.of(), List.of()));
    }
}
