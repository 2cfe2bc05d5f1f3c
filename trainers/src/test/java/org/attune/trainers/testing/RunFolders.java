package org.attune.trainers.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Folders of runs that must leave the same, whatever the number of their processes.
public final class RunFolders {
    private RunFolders() {}

    /// Requires a file's bytes to be equal in two folders.
    public static void assertSame(Path one, Path other, String file) throws IOException {
        assertArrayEquals(
                Files.readAllBytes(one.resolve(file)),
                Files.readAllBytes(other.resolve(file)),
                file);
    }

    /// What a run logged, without times and without what is told of several processes only.
    public static List<Map<String, Object>> metrics(Path run) throws IOException {
        List<Map<String, Object>> all = new ArrayList<>();
        for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
            Map<String, Object> entry =
                    new ObjectMapper().readValue(line, new TypeReference<>() {});
            entry.keySet().removeIf(key -> key.matches("ranks/.*|.*time.*|.*second.*"));
            all.add(entry);
        }
        assertTrue(all.toString().contains("grad_norm"), all.toString());
        return all;
    }

    /// Puts a run's checkpoint where another run goes on.
    ///
    /// @param checkpoint its path in both folders
    public static void copyCheckpoint(Path from, Path to, String checkpoint) throws IOException {
        Path target = Files.createDirectories(to.resolve(checkpoint));
        try (Stream<Path> files = Files.list(from.resolve(checkpoint))) {
            for (Path file : files.toList()) {
                Files.copy(file, target.resolve(file.getFileName()));
            }
        }
    }
}
