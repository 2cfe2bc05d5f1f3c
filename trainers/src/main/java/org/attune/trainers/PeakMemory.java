package org.attune.trainers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The process's largest resident memory so far.
final class PeakMemory {
    private PeakMemory() {}

    /// Bytes; 0 where the system doesn't tell (only Linux does).
    static long bytes() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmHWM:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
                }
            }
            return 0;
        } catch (IOException e) {
            return 0; // no /proc: not Linux
        }
    }
}
