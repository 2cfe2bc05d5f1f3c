package org.attune.trainers.report;

import org.attune.error.CheckpointException;
import org.attune.json.Json;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.TrainingListener;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// `completions/completions_00010.parquet`, TRL's name and columns: the newest round of
/// completions at every logged step. A resumed run takes out what was written after its checkpoint
/// and then writes the same files again; a round that is still in use lies in the checkpoint.
public final class CompletionsFile implements TrainingListener {
    public static final String FOLDER = "completions";

    /// The newest round, in a checkpoint.
    private static final String NEWEST = "completions.json";

    private static final Pattern NAME = Pattern.compile("completions_(\\d{5,9})\\.parquet");

    private final Path folder;
    private final RunPictures pictures;
    private Optional<CompletionColumns> newest = Optional.empty();

    /// @param outputDir the run's folder
    public CompletionsFile(Path outputDir) {
        folder = outputDir.resolve(FOLDER);
        pictures = new RunPictures(outputDir);
    }

    @Override
    public void onResume(Path checkpoint) {
        Path file = checkpoint.resolve(NEWEST);
        try {
            if (Files.exists(file)) {
                newest = Optional.of(CompletionColumns.ofJson(Json.MAPPER.readTree(file.toFile())));
            }
        } catch (IOException | IllegalArgumentException e) {
            throw new CheckpointException(
                    "%s is not as a run writes it: %s; resume from another checkpoint, or delete the file: the round in use is then missing from the next completions file"
                            .formatted(file, e.getMessage()),
                    e);
        }
    }

    @Override
    public void onStart(RunInfo info) {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try {
            for (Path file : entries()) {
                Matcher name = NAME.matcher(file.getFileName().toString());
                if (name.matches() && Integer.parseInt(name.group(1)) > info.firstStep()) {
                    Files.delete(file);
                }
            }
        } catch (IOException e) {
            throw new CheckpointException(folder + " can't be cleared: " + e, e);
        }
    }

    private List<Path> entries() throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.toList();
        }
    }

    @Override
    public void onCompletions(long round, CompletionTable table) {
        newest = Optional.of(CompletionColumns.of(table, pictures));
    }

    @Override
    public void onLog(int step, Map<String, Object> metrics) {
        if (newest.isEmpty()) {
            return;
        }
        Path file = folder.resolve("completions_%05d.parquet".formatted(step));
        try {
            Files.createDirectories(folder);
            newest.get().parquet(step).write(file);
        } catch (IOException e) {
            throw new CheckpointException(
                    "%s can't be written: %s; free space or set log_completions: false"
                            .formatted(file, e),
                    e);
        }
    }

    @Override
    public void onSave(int step, Path checkpoint) {
        if (newest.isEmpty()) {
            return;
        }
        Path file = checkpoint.resolve(NEWEST);
        try {
            Files.writeString(
                    file, Json.inUtf8(Json.MAPPER.writeValueAsString(newest.get().columns())));
        } catch (IOException e) {
            throw new CheckpointException(
                    file + " can't be written: " + e + "; free space in output_dir", e);
        }
    }
}
