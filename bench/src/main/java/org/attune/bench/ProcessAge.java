package org.attune.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/// How long this process has been running.
///
/// @param proc where Linux tells it: `/proc`
record ProcessAge(Path proc) {
    /// Ticks in which Linux counts the times in its files.
    private static final double TICKS_PER_SECOND = 100;

    /// The place of the start's time among the fields behind the command's name, which may hold
    /// spaces.
    private static final int START = 19;

    static double seconds() {
        return new ProcessAge(Path.of("/proc")).read();
    }

    /// The start as [ProcessHandle] tells it is counted from the system's, in whole seconds. Here
    /// both are counted in hundredths. On other systems it is that of the JVM, which comes some
    /// hundredths later.
    double read() {
        try {
            String stat = Files.readString(proc.resolve("self/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            double started = Long.parseLong(fields[START]) / TICKS_PER_SECOND;
            String uptime = Files.readString(proc.resolve("uptime"));
            return Double.parseDouble(uptime.substring(0, uptime.indexOf(' '))) - started;
        } catch (IOException e) {
            return ManagementFactory.getRuntimeMXBean().getUptime() / 1e3;
        }
    }
}
