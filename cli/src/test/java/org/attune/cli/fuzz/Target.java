package org.attune.cli.fuzz;

import java.nio.file.Path;
import java.util.List;

/// Something that reads files of strangers.
///
/// @param name    stands in reports
/// @param samples what it accepts, and attacks that are known; made once
/// @param megabytes of Java memory that reading may take in all, be it freed again at once
/// @param reader  reads a case's folder and uses what it read
record Target(String name, List<Sample> samples, int megabytes, Reader reader) {
    Target {
        samples = List.copyOf(samples);
    }

    /// Reads a folder that holds a sample, mutated or not.
    @FunctionalInterface
    interface Reader {
        void read(Path folder) throws Exception;
    }
}
