package org.attune.cli.eval;

import org.attune.hub.HubDownload;
import org.attune.models.ModelConfig;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.heads.HeadEval;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// Measures a model that classifies, ranks or embeds on rows with labels, by the code that measures
/// a run's held-out rows: both say the same.
final class LabelledRows {
    private LabelledRows() {}

    /// Prints the metrics, a line each.
    ///
    /// @return false if the model has no such head
    static boolean print(ModelConfig model, Path rows, PrintWriter out) {
        Optional<Map<String, Double>> metrics =
                Engine.call(
                        () ->
                                HeadEval.of(
                                        model,
                                        DataConfig.of(rows.toString()),
                                        HubDownload.cache()));
        metrics.ifPresent(
                all ->
                        all.forEach(
                                (name, value) ->
                                        out.printf(Locale.ROOT, "%-10s %.4f%n", name, value)));
        return metrics.isPresent();
    }
}
