package org.attune.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.checkpoint.CheckpointStore;
import org.attune.checkpoint.RunState;
import org.attune.error.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// What a disk fails to keep was not written.
class DiskTest {
    @TempDir Path folder;

    /// Works on a disk that fails where it is forced for the n-th time, and says what was forced.
    private static List<Path> failing(int at, String error, Runnable work) {
        List<Path> forced = new ArrayList<>();
        Disk.Forcing disk =
                (channel, path) -> {
                    forced.add(path);
                    if (forced.size() == at) {
                        throw new IOException(error);
                    }
                    channel.force(true);
                };
        ScopedValue.where(Disk.FORCING, disk).run(work);
        return forced;
    }

    private static void save(Path output, int step) {
        var state = new RunState(step, 0, 0, Map.of(), Map.of(), Map.of(), List.of());
        store(output)
                .save(state, 9, 0, at -> Files.writeString(at.resolve("adapter.txt"), "model"));
    }

    private static CheckpointStore store(Path output) {
        return new CheckpointStore(output, OptionalInt.of(1));
    }

    @Test
    void aCheckpointThatTheDiskDoesNotKeepIsNotWritten() {
        int all = failing(0, "", () -> save(folder.resolve("good"), 1)).size();
        assertTrue(all >= 5, "files, their folder and its parent: " + all);
        for (int at = 1; at <= all; at++) {
            Path output = folder.resolve("run-" + at);
            save(output, 1);
            int failed = at;
            var told =
                    assertThrows(
                            CheckpointException.class,
                            () -> failing(failed, "Input/output error", () -> save(output, 2)));
            assertTrue(
                    told.getMessage().contains("checkpoint-2 can't be written"), told::getMessage);
            assertTrue(Files.exists(output.resolve("checkpoint-1")), "the one before stays");
            boolean renamed = at == all;
            assertEquals(renamed, Files.exists(output.resolve("checkpoint-2")));
            assertEquals(renamed ? 2 : 1, store(output).newest().orElseThrow().step());
        }
    }

    @Test
    void aFileStaysAsItWas() throws IOException {
        Path file = Files.writeString(folder.resolve("a.txt"), "old");
        assertThrows(IllegalStateException.class, () -> failing(1, "No space", () -> write(file)));
        assertEquals("old", Files.readString(file));
        try (var left = Files.list(folder)) {
            assertEquals(List.of(file), left.toList());
        }
    }

    /// Some systems can't force a folder, and say so.
    @Test
    void aFolderThatCannotBeForcedIsNoError() throws IOException {
        Path file = folder.resolve("a.txt");
        failing(2, "Invalid argument", () -> write(file));
        assertEquals("new", Files.readString(file));
    }

    private static void write(Path file) {
        try {
            AtomicFile.writeText(file, "new");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
