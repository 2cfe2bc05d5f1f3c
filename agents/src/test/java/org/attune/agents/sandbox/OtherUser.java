package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// Runs classes of these tests as a user that owns nothing, which only root can.
final class OtherUser {
    private static final String NOBODY = "65534";

    private OtherUser() {}

    /// A command that runs a class as that user. Skips the test where there is no way.
    ///
    /// @param folder empty, for the classes and temporary files
    static List<String> java(Path folder, Class<?> main) throws IOException {
        assumeTrue(ProcessStat.isRoot(), "only root may become another user");
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/setpriv")), "there is no setpriv");
        return List.of(
                "/usr/bin/setpriv",
                "--reuid=" + NOBODY,
                "--regid=" + NOBODY,
                "--clear-groups",
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Djava.io.tmpdir=" + folder,
                "-cp",
                copied(folder),
                main.getName());
    }

    /// The class path, where the other user may read it.
    private static String copied(Path folder) throws IOException {
        List<String> copies = new ArrayList<>();
        Set<String> parts = new LinkedHashSet<>();
        for (String part : System.getProperty("java.class.path").split(File.pathSeparator)) {
            parts.add(part);
        }
        for (String part : parts) {
            Path from = Path.of(part);
            Path to = folder.resolve("part" + copies.size());
            if (Files.isDirectory(from)) {
                copy(from, to);
            } else if (from.getFileName().toString().matches("(slf4j-api|attune)-.*")) {
                Files.copy(from, to);
            } else {
                continue;
            }
            copies.add(to.toString());
        }
        open(folder);
        return String.join(File.pathSeparator, copies);
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file)));
            }
        }
    }

    private static void open(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            files.forEach(file -> file.toFile().setReadable(true, false));
        }
        try (Stream<Path> files = Files.walk(folder)) {
            files.filter(Files::isDirectory).forEach(f -> f.toFile().setExecutable(true, false));
        }
        folder.toFile().setWritable(true, false);
    }
}
