package org.attune.cli.eval;

import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.hub.HubDownload;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.score.Heads;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.heads.HeadEval;

import picocli.CommandLine.ParseResult;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Measures a model that classifies, ranks or embeds on rows with labels, by the code that measures
/// a run's held-out rows: both say the same.
final class LabelledRows {
    private static final List<String> OF_ANSWERS =
            List.of("--out", "--against-model", "--against-adapter", "--samples", "--n");

    private LabelledRows() {}

    /// Prints the metrics, a line each.
    ///
    /// @param given options that the command got
    /// @return false if the model has no such head
    /// @throws ConfigException naming an option that asks for answers of such a model
    static boolean print(ModelConfig model, Path rows, ParseResult given, PrintWriter out) {
        HubCache hub = HubDownload.cache();
        try (var setup = ModelSetup.open(model, hub)) {
            if (!Heads.has(setup)) {
                return false;
            }
            requireNoneOfAnswers(given, model, rows);
            DataConfig data = DataConfig.of(rows.toString());
            Map<String, Double> metrics = Engine.call(() -> HeadEval.of(setup, data, hub));
            metrics.forEach((name, value) -> out.printf(Locale.ROOT, "%-10s %.4f%n", name, value));
            return true;
        }
    }

    private static void requireNoneOfAnswers(ParseResult given, ModelConfig model, Path rows) {
        for (String option : OF_ANSWERS) {
            if (given.hasMatchedOption(option)) {
                throw new ConfigException(
                        "%s is for models that write; %s classifies, ranks or embeds, and its metrics on %s are printed: leave the option out"
                                .formatted(option, model.modelNameOrPath(), rows));
            }
        }
    }
}
