package org.attune.trainers.loop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Resident memory of this process, native memory included, as Linux counts it.
public final class ProcessMemory {
    private static final Path STATUS = Path.of("/proc/self/status");

    private ProcessMemory() {}

    /// Bytes resident now; 0 where the system does not tell.
    public static long residentBytes() {
        return resident().now();
    }

    /// The most bytes that were ever resident; 0 where the system does not tell.
    public static long peakBytes() {
        return resident().peak();
    }

    /// Bytes now and at most, looked up in one go.
    ///
    /// @param now bytes resident now; 0 where the system does not tell
    /// @param peak the most that were ever resident; 0 where the system does not tell
    public record Resident(long now, long peak) {}

    /// What this process has and had.
    public static Resident resident() {
        if (!Files.isReadable(STATUS)) {
            return new Resident(0, 0);
        }
        try {
            String status = Files.readString(STATUS);
            return new Resident(kibibytes(status, "VmRSS:"), kibibytes(status, "VmHWM:"));
        } catch (IOException e) {
            return new Resident(0, 0);
        }
    }

    private static long kibibytes(String status, String name) {
        int at = status.indexOf(name);
        int end = at < 0 ? -1 : status.indexOf(" kB", at);
        return end < 0
                ? 0
                : 1024 * Long.parseLong(status.substring(at + name.length(), end).strip());
    }
}
