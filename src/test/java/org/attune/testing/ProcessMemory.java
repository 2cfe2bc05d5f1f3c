package org.attune.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/// What the kernel says about this process (Linux only).
public final class ProcessMemory {
    private static final long PAGE = 4096;
    private static final int MINOR_FAULTS_AFTER_COMMAND = 7;
    private static final int GARBAGE_MIB = 200;
    private static final StructLayout MALLINFO2 =
            MemoryLayout.structLayout(MemoryLayout.sequenceLayout(10, ValueLayout.JAVA_LONG));
    private static final int BYTES_MAPPED = 4;
    private static final int BYTES_IN_USE = 7;

    private ProcessMemory() {}

    /// Memory in use, in bytes: the second number of `/proc/self/statm`, in pages.
    public static long residentBytes() {
        return PAGE * Long.parseLong(read("/proc/self/statm").split(" ")[1]);
    }

    /// Pages that this process touched for the first time, since its start: field 10 of
    /// `/proc/self/stat`.
    public static long minorFaults() {
        String stat = read("/proc/self/stat");
        String afterCommand = stat.substring(stat.lastIndexOf(')') + 2);
        return Long.parseLong(afterCommand.split(" ")[MINOR_FAULTS_AFTER_COMMAND]);
    }

    /// Lets the Java heap take the pages it will take anyway, and frees what is dead, so that later
    /// growth of [#residentBytes] is native memory.
    ///
    /// @return bytes allocated, so that nothing is optimised away
    public static long settle() {
        long sum = 0;
        for (int i = 0; i < GARBAGE_MIB; i++) {
            sum += new byte[1 << 20].length;
        }
        System.gc();
        return sum;
    }

    /// Bytes that `malloc` has handed out and not got back, in all its arenas: exact, and without
    /// the Java heap.
    @SuppressWarnings("restricted")
    public static long nativeBytes() {
        Linker linker = Linker.nativeLinker();
        var function =
                linker.downcallHandle(
                        linker.defaultLookup().find("mallinfo2").orElseThrow(),
                        FunctionDescriptor.of(MALLINFO2));
        try (Arena arena = Arena.ofConfined()) {
            var info = (MemorySegment) function.invokeExact((SegmentAllocator) arena);
            return info.getAtIndex(ValueLayout.JAVA_LONG, BYTES_MAPPED)
                    + info.getAtIndex(ValueLayout.JAVA_LONG, BYTES_IN_USE);
        } catch (Throwable t) {
            throw new IllegalStateException("mallinfo2 could not be called", t);
        }
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
