package org.attune.cli;

import java.nio.file.Path;
import java.util.List;

/// How a test starts a JVM that lives shortly: without the optimizing compiler, which would take
/// longer than it saves.
public final class ShortProgram {
    private ShortProgram() {}

    /// The command up to the class path.
    public static List<String> java() {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules=jdk.incubator.vector");
    }
}
