package org.attune.trainers.report;

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

    private static boolean move(Path folder, Resume resume) {
        try (var run = RunFolder.open(folder, resume, List.of())) {
            if (run.holdsEarlierRun()) {
                run.moveEarlierRun();
            }
            return run.holdsEarlierRun();
        }
    }

    @Test
    void nothingIsMovedBeforeTheRunSaysSo() throws IOException {
        Set<String> before = names(folder);
        try (var run = RunFolder.open(folder, new Resume.No(), List.of())) {
            assertTrue(run.holdsEarlierRun());
        }
        assertEquals(before, names(folder));
    }

    @Test
    void newRunMovesTheEarlierOneAsideAndLeavesTheRest() throws IOException {
        move(folder, new Resume.No());
        assertEquals(Set.of("earlier-1", "notes.txt"), names(folder));
        assertEquals(
                Set.of("checkpoint-5", "metrics.jsonl", "adapter_config.json"),
                names(folder.resolve("earlier-1")));
        Files.writeString(folder.resolve("metrics.jsonl"), "{}\n");
        move(folder, new Resume.No());
        assertEquals(Set.of("metrics.jsonl"), names(folder.resolve("earlier-2")));
    }

    @Test
    void completionsAndPlotsGoWithTheirRun() throws IOException {
        Files.createDirectories(folder.resolve("completions"));
        Files.writeString(folder.resolve("completions/completions_00005.parquet"), "x");
        Files.writeString(folder.resolve("reward.png"), "x");
        move(folder, new Resume.No());
        assertEquals(Set.of("earlier-1", "notes.txt"), names(folder));
        assertTrue(Files.exists(folder.resolve("earlier-1/completions/completions_00005.parquet")));
    }

    @Test
    void resumedRunFindsEverythingInItsPlace() throws IOException {
        assertFalse(move(folder, new Resume.Latest()));
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
        move(folder, new Resume.Latest());
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
                                        RunFolder.open(
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
        assertFalse(move(other, new Resume.No()));
        assertEquals(Set.of("config.json"), names(other));
        assertFalse(move(folder.resolve("new/deep"), new Resume.No()));
        assertTrue(Files.isDirectory(folder.resolve("new/deep")));
        assertFalse(Files.exists(folder.resolve("new/deep/earlier-1")));
    }

    @Test
    void resumedRunWithoutACheckpointMovesWhatAFinishedOneLeft() throws IOException {
        Files.delete(folder.resolve("checkpoint-5"));
        assertFalse(move(folder, new Resume.Latest()), "a run killed before its first checkpoint");
        Files.writeString(folder.resolve("trainer_state.json"), "{}");
        assertTrue(move(folder, new Resume.Latest()));
        assertTrue(Files.exists(folder.resolve("earlier-1/trainer_state.json")));
    }
}
