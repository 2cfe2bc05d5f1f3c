package org.attune.cli;

import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.cli.report.HeldOutMetric;
import org.attune.error.ConfigException;
import org.attune.trainers.report.SummaryFile;

import java.io.IOException;
import java.nio.file.Path;

/// Whether a run made the model better on rows that it didn't learn from.
///
/// @param better whether it did, beyond what chance gives
/// @param text for people
record AutoVerdict(boolean better, String text) {
    private static final double SURE = 1.645;
    private static final double LEAST = 0.01;

    /// What a run's `summary.json` says.
    static AutoVerdict of(Path folder) {
        try {
            Path summary = folder.resolve(SummaryFile.NAME);
            HeldOutMetric held = HeldOutMetric.of(new ObjectMapper().readTree(summary.toFile()));
            if (held.before().isEmpty() || held.after().isEmpty()) {
                return new AutoVerdict(false, "no better: nothing was measured before and after");
            }
            return of(
                    held.key(), held.n(), held.before().getAsDouble(), held.after().getAsDouble());
        } catch (IOException e) {
            throw new ConfigException(folder + ": the run's summary can't be read: " + e, e);
        }
    }

    /// A loss must fall by 1 % at least. A share must rise by more than the 90 % interval of a
    /// difference of two shares of `n` rows.
    static AutoVerdict of(String metric, int n, double before, double after) {
        boolean loss = metric.endsWith("loss");
        String numbers =
                "%s on %d held-out rows: %.4g before, %.4g after"
                        .formatted(metric, n, before, after);
        if (loss) {
            double less = (before - after) / before;
            return less > LEAST
                    ? new AutoVerdict(
                            true, "better: %s (%.1f %% less)".formatted(numbers, 100 * less))
                    : new AutoVerdict(false, "no better: " + numbers);
        }
        double spread = Math.max(before * (1 - before) + after * (1 - after), 1.0 / n);
        double doubt = SURE * Math.sqrt(spread / n);
        boolean better = after - before > doubt;
        return new AutoVerdict(
                better,
                "%s: %s; a difference up to %.2g may be chance with so few rows"
                        .formatted(better ? "better" : "no better", numbers, doubt));
    }
}
