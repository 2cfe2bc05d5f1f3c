package org.attune.datasets;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.junit.jupiter.api.Test;

class HeapRoomTest {
    private static final RowOrigin ORIGIN = new RowOrigin("f.jsonl", 2048, 2047);

    @Test
    void aFullHeapEndsTheReading() {
        var room = new HeapRoom(() -> 0.97);
        room.check(ORIGIN, 2047);
        var e = assertThrows(DatasetException.class, () -> room.check(ORIGIN, 2048));
        assertTrue(e.getMessage().startsWith("f.jsonl"), e.getMessage());
        assertTrue(e.getMessage().contains("after 2048 rows"), e.getMessage());
        assertTrue(e.getMessage().contains("-Xmx"), e.getMessage());
    }

    @Test
    void thisHeapIsNotFull() {
        new HeapRoom().check(ORIGIN, 2048);
    }
}
