package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.trainers.config.Resume;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

class RunFolderTest {
    @TempDir Path folder;

    @BeforeEach
    void earlierRun() throws IOException {
        Files.createDirectories(folder.resolve("checkpoint-5"));
        Files.writeString(folder.resolve("metrics.jsonl"), "{}\n");
        Files.writeString(folder.resolve("adapter_config.json"), "{}");
        Files.writeString(folder.resolve("notes.txt"), "the user's own");
    }

    private Set<String> names(Path in) throws IOException {
        try (var files = Files.list(in)) {
            return files.map(f -> f.getFileName().toString()).collect(Collectors.toSet());
        }
    }

    @Test
    void newRunMovesTheEarlierOneAsideAndLeavesTheRest() throws IOException {
        RunFolder.prepare(folder, new Resume.No(), List.of());
        assertEquals(Set.of("earlier-1", "notes.txt"), names(folder));
        assertEquals(
                Set.of("checkpoint-5", "metrics.jsonl", "adapter_config.json"),
                names(folder.resolve("earlier-1")));
        Files.writeString(folder.resolve("metrics.jsonl"), "{}\n");
        RunFolder.prepare(folder, new Resume.No(), List.of());
        assertEquals(Set.of("metrics.jsonl"), names(folder.resolve("earlier-2")));
    }

    @Test
    void completionsAndPlotsGoWithTheirRun() throws IOException {
        Files.createDirectories(folder.resolve("completions"));
        Files.writeString(folder.resolve("completions/completions_00005.parquet"), "x");
        Files.writeString(folder.resolve("reward.png"), "x");
        RunFolder.prepare(folder, new Resume.No(), List.of());
        assertEquals(Set.of("earlier-1", "notes.txt"), names(folder));
        assertTrue(Files.exists(folder.resolve("earlier-1/completions/completions_00005.parquet")));
    }

    @Test
    void resumedRunFindsEverythingInItsPlace() throws IOException {
        RunFolder.prepare(folder, new Resume.Latest(), List.of());
        assertTrue(Files.exists(folder.resolve("checkpoint-5")));
    }

    @Test
    void whatAKilledRunLeftUnfinishedIsDeleted() throws IOException {
        Path dead = Files.createDirectories(folder.resolve(".checkpoint-40.999999999.tmp"));
        Files.writeString(dead.resolve("part"), "x");
        Files.writeString(folder.resolve(".loss.png.999999999-1.tmp"), "x");
        long own = ProcessHandle.current().pid();
        Path alive = Files.createDirectories(folder.resolve(".checkpoint-6." + own + ".tmp"));
        Path completions = Files.createDirectories(folder.resolve("completions"));
        Files.writeString(completions.resolve(".completions_00005.parquet.999999999.tmp"), "x");
        RunFolder.prepare(folder, new Resume.Latest(), List.of());
        assertEquals(Set.of(), names(completions));
        assertFalse(Files.exists(dead));
        assertFalse(Files.exists(folder.resolve(".loss.png.999999999-1.tmp")));
        assertTrue(Files.exists(alive));
    }

    @Test
    void whatTheRunStartsFromIsNotMoved() {
        String start = folder.resolve("checkpoint-5").toString();
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        RunFolder.prepare(
                                                folder,
                                                new Resume.No(),
                                                List.of(Optional.of(start))))
                        .getMessage();
        assertTrue(message.contains("output_dir"), message);
        assertTrue(Files.exists(folder.resolve("checkpoint-5")));
    }

    @Test
    void folderWithoutARunIsLeftAlone() throws IOException {
        Path other = Files.createDirectories(folder.resolve("model"));
        Files.writeString(other.resolve("config.json"), "{}");
        RunFolder.prepare(other, new Resume.No(), List.of());
        assertEquals(Set.of("config.json"), names(other));
        RunFolder.prepare(folder.resolve("new/deep"), new Resume.No(), List.of());
        assertTrue(Files.isDirectory(folder.resolve("new/deep")));
        assertFalse(Files.exists(folder.resolve("new/deep/earlier-1")));
    }
}
