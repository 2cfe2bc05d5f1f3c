package org.attune.tensor.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.Optional;

/// Finding a virtual method by the table of a class whose methods have symbols.
class CachingAllocatorTest {
    private static final String CLASS =
            "5torch4cuda22CUDAPluggableAllocator22CUDAPluggableAllocator";

    private static Optional<CachingAllocator> find(long method, long... table) {
        try (var arena = Arena.ofConfined()) {
            MemorySegment entries = arena.allocate(8L * 80);
            MemorySegment.copy(table, 0, entries, ValueLayout.JAVA_LONG, 0, table.length);
            Map<String, MemorySegment> symbols =
                    Map.of(
                            "_ZTVN" + CLASS + "E",
                            MemorySegment.ofAddress(entries.address()),
                            "_ZN" + CLASS + "10emptyCacheESt4pairIyyE",
                            MemorySegment.ofAddress(method),
                            "_ZN3c104cuda20CUDACachingAllocator9allocatorE",
                            MemorySegment.ofAddress(8));
            return CachingAllocator.find(name -> Optional.ofNullable(symbols.get(name)));
        }
    }

    @Test
    void theMethodStandsWhereItsAddressDoes() {
        assertEquals(Optional.of(new CachingAllocator(2)), find(500, 0, 77, 300, 400, 500, 600));
    }

    @Test
    void anotherTableIsNotLookedAt() {
        assertEquals(Optional.empty(), find(500, 0, 77, 300, 400, 0, 78, 500));
        assertEquals(Optional.empty(), CachingAllocator.find(_ -> Optional.empty()));
    }
}
