package org.attune.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// What the kernel says about this process (Linux only).
public final class ProcessMemory {
    private static final long PAGE = 4096;
    private static final int MINOR_FAULTS_AFTER_COMMAND = 7;
    private static final int GARBAGE_MIB = 1500;

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

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
