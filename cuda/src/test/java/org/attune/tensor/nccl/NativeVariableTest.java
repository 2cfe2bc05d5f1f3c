package org.attune.tensor.nccl;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

@SuppressWarnings("restricted")
final class NativeVariableTest {
    private static String value(String name) throws Throwable {
        var linker = Linker.nativeLinker();
        try (Arena arena = Arena.ofConfined()) {
            long text =
                    (long)
                            linker.downcallHandle(
                                            linker.defaultLookup().find("getenv").orElseThrow(),
                                            FunctionDescriptor.of(
                                                    ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG))
                                    .invokeExact(arena.allocateFrom(name).address());
            return text == 0 ? "" : MemorySegment.ofAddress(text).reinterpret(1 << 10).getString(0);
        }
    }

    @Test
    void aUsersValueStays() throws Throwable {
        String name = "ATTUNE_TEST_OF_VARIABLES";
        assertEquals("", value(name));
        NativeVariable.setUnlessSet(name, "first");
        assertEquals("first", value(name));
        NativeVariable.setUnlessSet(name, "second");
        assertEquals("first", value(name));
    }

    /// NVLS adds in any order.
    @Test
    void ncclIsToldNotToUseNvls() throws Throwable {
        String before = value("NCCL_ALGO");
        new StubNccl().library();
        assertEquals(before.isEmpty() ? "^NVLS" : before, value("NCCL_ALGO"));
    }
}
