package org.attune.cli;

import org.attune.board.RunCommands;
import org.attune.cli.command.OwnProgram;
import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.cli.config.RunPrograms;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// What a board asks the command line about runs: it reads their files as commands do, and has
/// commands run in further processes.
final class BoardRuns implements RunCommands {
    private static final int PREVIEW_SECONDS = 120;

    private static TrainingMethod<?, ?> method(String name) {
        return Methods.named(name)
                .orElseThrow(
                        () ->
                                ConfigException.about(
                                        "method",
                                        "is %s; accepted: %s"
                                                .formatted(
                                                        name,
                                                        String.join(
                                                                ", ",
                                                                Methods.all().stream()
                                                                        .map(TrainingMethod::name)
                                                                        .toList()))));
    }

    private static LoadedRun<?> read(String method, Path file) {
        return read(method(method), file);
    }

    private static <C extends Record & RunConfig> LoadedRun<C> read(
            TrainingMethod<C, ?> method, Path file) {
        return new RunConfigReader().read(method, file, List.of());
    }

    @Override
    public List<String> problems(String method, Path file) {
        try {
            read(method, file).found();
            return List.of();
        } catch (AttuneException e) {
            return e.getMessage().lines().filter(line -> !line.isBlank()).toList();
        }
    }

    @Override
    public List<String> programs(String method, Path file) {
        return RunPrograms.beyondBuiltIn(ResolvedConfig.flat(read(method, file).config()));
    }

    @Override
    public Path outputDir(String method, Path file) {
        return ((RunConfig) read(method, file).found().config()).training().save().outputDir();
    }

    @Override
    public List<String> training(String method, Path file) {
        return OwnProgram.words(List.of(method(method).name(), file.toString()));
    }

    @Override
    public String preview(String method, Path config, Path directory) {
        List<String> words =
                OwnProgram.words(
                        List.of("preview", config.toString(), "--method", method(method).name()));
        try {
            Path out = Files.createTempFile("attune-preview", ".txt");
            try {
                return preview(words, directory, out);
            } finally {
                Files.deleteIfExists(out);
            }
        } catch (IOException e) {
            throw new ConfigException("rows can't be shown: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConfigException("rows can't be shown: the board ends", e);
        }
    }

    private static String preview(List<String> words, Path directory, Path out)
            throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(words)
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(out.toFile())
                        .start();
        process.getOutputStream().close(); // it asks nobody
        if (!process.waitFor(PREVIEW_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new ConfigException(
                    "rows can't be shown: attune preview took more than %d s"
                            .formatted(PREVIEW_SECONDS));
        }
        return new String(Files.readAllBytes(out), StandardCharsets.UTF_8);
    }
}
