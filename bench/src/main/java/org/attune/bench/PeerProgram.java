package org.attune.bench;

import org.attune.error.ConfigException;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/// A program that benchmarks are compared with: which script runs it, and with what words.
public sealed interface PeerProgram permits TrlOrLlama, TransformersPeft {
    /// The program's name in reports.
    String name(BenchTask task);

    /// Name of the script's file.
    String script(BenchTask task);

    /// Settings to choose from, the usually fastest first.
    List<List<String>> settings(BenchTask task);

    /// @throws ConfigException if the program can't do this work
    void check(BenchSpec spec);

    /// What the script is told, without settings.
    ///
    /// @param rows file of the work's rows
    /// @param prepare runs the script with other words first
    List<String> arguments(BenchSpec spec, Path rows, Consumer<List<String>> prepare);
}
