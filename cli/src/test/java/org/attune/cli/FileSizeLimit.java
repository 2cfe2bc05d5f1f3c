package org.attune.cli;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// No file of this process gets longer than so many bytes: each write beyond fails, as on a full
/// disk (`RLIMIT_FSIZE` of Linux). It needs no rights, and ends with [#close].
@SuppressWarnings("restricted")
record FileSizeLimit(long before) implements AutoCloseable {
    private static final int FILE_SIZE = 1; // RLIMIT_FSIZE

    /// Whether this system has such limits as this class asks for them.
    static boolean isKnown() {
        return System.getProperty("os.name").equals("Linux");
    }

    static FileSizeLimit of(long bytes) {
        return new FileSizeLimit(set(bytes));
    }

    /// Sets the soft limit, which may rise again.
    private static long set(long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limits = arena.allocate(JAVA_LONG, 2);
            call("getrlimit", limits);
            long before = limits.getAtIndex(JAVA_LONG, 0);
            limits.setAtIndex(JAVA_LONG, 0, bytes);
            call("setrlimit", limits);
            return before;
        }
    }

    private static void call(String name, MemorySegment limits) {
        Linker linker = Linker.nativeLinker();
        MethodHandle function =
                linker.downcallHandle(
                        linker.defaultLookup().find(name).orElseThrow(),
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
        try {
            int failed = (int) function.invokeExact(FILE_SIZE, limits);
            if (failed != 0) {
                throw new IllegalStateException(name + " failed");
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(name, e);
        }
    }

    @Override
    public void close() {
        set(before);
    }
}
