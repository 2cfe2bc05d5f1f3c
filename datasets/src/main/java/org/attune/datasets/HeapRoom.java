package org.attune.datasets;

import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.util.List;
import java.util.function.DoubleSupplier;

/// Watches the Java heap while rows are read. A heap that is nearly full costs minutes of
/// collections before the JVM gives up, and its error names no file.
final class HeapRoom {
    /// Share of the old generation that is taken after a collection of it.
    private static final double FULL = 0.95;

    private static final int EVERY = 1024;
    private static final long MIB = 1 << 20;

    private final DoubleSupplier taken;

    HeapRoom() {
        this(ofPools(oldGenerations()));
    }

    /// @param taken share of the heap that is taken, 0 to 1
    HeapRoom(DoubleSupplier taken) {
        this.taken = taken;
    }

    /// Asks once in a while.
    ///
    /// @param origin of the row that was read last
    /// @param rows read so far
    /// @throws DatasetException if hardly any heap is left
    void check(RowOrigin origin, int rows) {
        if (rows % EVERY == 0 && taken.getAsDouble() > FULL) {
            throw new DatasetException(
                    ("%s: after %d rows the Java heap of %d MiB is full; take fewer or shorter"
                                    + " rows, or allow more with ATTUNE_JAVA_OPTS=-Xmx%dm")
                            .formatted(origin.where(), rows, mostMib(), 2 * mostMib()));
        }
    }

    private static long mostMib() {
        return Runtime.getRuntime().maxMemory() / MIB;
    }

    /// Pools that say how full their last collection left them; objects that stay end there.
    private static List<MemoryPoolMXBean> oldGenerations() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP)
                .filter(MemoryPoolMXBean::isUsageThresholdSupported)
                .filter(pool -> pool.getCollectionUsage() != null)
                .toList();
    }

    private static DoubleSupplier ofPools(List<MemoryPoolMXBean> pools) {
        return () -> pools.stream().mapToDouble(HeapRoom::taken).max().orElse(0);
    }

    private static double taken(MemoryPoolMXBean pool) {
        MemoryUsage after = pool.getCollectionUsage();
        return after.getMax() > 0 ? (double) after.getUsed() / after.getMax() : 0;
    }
}
