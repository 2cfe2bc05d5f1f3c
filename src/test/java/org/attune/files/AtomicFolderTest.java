package org.attune.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

class AtomicFolderTest {
    @TempDir Path root;

    @Test
    void nothingIsSeenBeforeCommit() throws IOException {
        Path target = root.resolve("deep/checkpoint-1");
        try (AtomicFolder folder = AtomicFolder.create(target)) {
            Files.createDirectory(folder.path().resolve("inner"));
            AtomicFile.writeText(folder.path().resolve("inner/a.txt"), "a");
            assertFalse(Files.exists(target));
            folder.commit();
        }
        assertEquals("a", Files.readString(target.resolve("inner/a.txt")));
        assertEquals(List.of("checkpoint-1"), names(target.getParent()));
    }

    @Test
    void withoutCommitNothingStays() throws IOException {
        Path target = root.resolve("checkpoint-1");
        try (AtomicFolder folder = AtomicFolder.create(target)) {
            Files.writeString(folder.path().resolve("a.txt"), "a");
        }
        assertEquals(List.of(), names(root));
    }

    @Test
    void commitReplacesAnOlderFolder() throws IOException {
        Path target = root.resolve("model");
        Files.createDirectory(target);
        Files.writeString(target.resolve("old.txt"), "old");
        try (AtomicFolder folder = AtomicFolder.create(target)) {
            Files.writeString(folder.path().resolve("new.txt"), "new");
            folder.commit();
            assertThrows(IllegalStateException.class, folder::commit);
        }
        assertEquals(List.of("new.txt"), names(target));
        assertEquals(List.of("model"), names(root));
    }

    @Test
    void deletingTakesTheWholeFolder() throws IOException {
        Path target = root.resolve("model");
        Files.createDirectories(target.resolve("inner"));
        Files.writeString(target.resolve("inner/a"), "a");
        AtomicFolder.deleteWhole(target);
        AtomicFolder.deleteWhole(target);
        assertEquals(List.of(), names(root));
    }

    @Test
    void failingContentLeavesTheOldFile() throws IOException {
        Path file = root.resolve("state.json");
        AtomicFile.writeText(file, "old");
        assertThrows(
                IOException.class,
                () ->
                        AtomicFile.write(
                                file,
                                _ -> {
                                    throw new IOException("disk full");
                                }));
        assertEquals("old", Files.readString(file));
        AtomicFile.writeText(file, "new ü");
        assertEquals("new ü", Files.readString(file));
        assertEquals(List.of("state.json"), names(root));
    }

    @Test
    void leftoversOfAKilledProcessDontMatter() throws IOException {
        Path file = root.resolve("state.json");
        Files.writeString(AtomicFile.temporarySibling(file.toAbsolutePath()), "half");
        AtomicFile.writeText(file, "whole");
        assertEquals("whole", Files.readString(file));
        assertTrue(names(root).size() == 2);
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }
}
