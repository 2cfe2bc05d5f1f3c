package org.attune.cli.model;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.models.ModelSetup;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.opening.TrainingMethod;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Texts that a run learns from, as its model sees them.
final class RunTexts {
    /// Enough to know the inputs of layers.
    private static final int TOKENS = 1 << 16;

    private RunTexts() {}

    /// Token ids of the first rows.
    ///
    /// @param run   file of a run
    /// @param model whose tokenizer and template are in force
    static List<int[]> of(String run, ModelSetup model) {
        var reader = new RunConfigReader();
        List<String> words = List.of(run);
        Path none = Path.of("");
        var method = reader.methodOf(none, words, RowSetup::typeOf).method();
        List<int[]> texts = read(reader, method, words, model);
        if (texts.isEmpty()) {
            throw new ConfigException("--imatrix: the run %s has no rows".formatted(run));
        }
        return texts;
    }

    private static <C extends Record & RunConfig, R extends TrainingRow> List<int[]> read(
            RunConfigReader reader,
            TrainingMethod<C, R> method,
            List<String> words,
            ModelSetup model) {
        LoadedRun<C> loaded = reader.read(method, Path.of(""), words).found();
        HubCache hub = loaded.environment().hubCache();
        RunRows<R> rows =
                RunRows.known(
                        method.prepare(
                                RowSetup.of(model, hub, loaded.directory()), loaded.config()));
        List<int[]> texts = new ArrayList<>();
        long tokens = 0;
        for (R row : rows.train()) {
            for (int[] ids : row.sequences()) {
                if (ids.length > 0 && tokens < TOKENS) {
                    texts.add(ids);
                    tokens += ids.length;
                }
            }
        }
        return texts;
    }
}
