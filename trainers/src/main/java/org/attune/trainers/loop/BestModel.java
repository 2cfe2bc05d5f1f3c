package org.attune.trainers.loop;

import com.fasterxml.jackson.core.JsonProcessingException;

import org.attune.checkpoint.BestEvaluation;
import org.attune.error.CheckpointException;
import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.trainers.config.BestModelConfig;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/// What follows from a run's evaluations: which is the best, whether the run ends early, and the
/// learning rate where it follows a metric. As transformers' trainer and `EarlyStoppingCallback`;
/// evaluations before the first step don't count.
final class BestModel {
    private static final String FILE = "evaluations.json";

    private final BestModelConfig config;
    private final LearningRates rates;
    private final boolean asked;
    private Optional<BestEvaluation> best = Optional.empty();
    private int worse; // evaluations in a row that were not better

    /// The form in which a checkpoint holds the best model's state.
    ///
    /// @param metric NaN if there is no best evaluation
    /// @param step of the best evaluation
    /// @param checkpoint step of the best checkpoint; −1 if there is none
    /// @param worse evaluations in a row that were not better
    /// @param rates where the learning rate stands; empty unless it follows evaluations
    private record Saved(double metric, int step, int checkpoint, int worse, double[] rates) {}

    /// @param savesBest whether checkpoints are written after best evaluations
    /// @param rates hears of evaluations
    BestModel(BestModelConfig config, boolean savesBest, LearningRates rates) {
        this.config = config;
        this.rates = rates;
        asked =
                config.loadBestModelAtEnd()
                        || config.metricForBestModel().isPresent()
                        || config.earlyStoppingPatience().isPresent()
                        || savesBest
                        || rates.measured().isPresent();
    }

    /// Refuses a metric that evaluations don't have.
    ///
    /// @param reports of an evaluation
    void requireMetric(List<HeldOutMeans> reports) {
        if (asked) {
            value(reports);
        }
    }

    private double value(List<HeldOutMeans> reports) {
        Map<String, Object> all = new TreeMap<>();
        reports.forEach(report -> all.putAll(report.prefixed()));
        if (all.get(config.metricKey()) instanceof Number number) {
            return number.doubleValue();
        }
        throw new ConfigException(
                "metric_for_best_model: %s is none of the metrics of an evaluation; accepted: %s"
                        .formatted(
                                config.metricForBestModel().orElse("loss (which is the default)"),
                                String.join(", ", all.keySet())));
    }

    /// Hears of an evaluation.
    ///
    /// @param step steps done
    /// @return whether it is the best so far
    boolean evaluated(int step, List<HeldOutMeans> reports) {
        if (!asked || reports.isEmpty()) {
            return false;
        }
        double value = value(reports);
        rates.measured(value);
        boolean enough =
                best.isEmpty()
                        || isBetter(value, best.get().metric())
                                && Math.abs(value - best.get().metric())
                                        > config.earlyStoppingThreshold();
        worse = enough ? 0 : worse + 1;
        double worst =
                config.isGreaterBetter() ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        if (!isBetter(value, best.map(BestEvaluation::metric).orElse(worst))) {
            return false;
        }
        OptionalInt checkpoint = best.map(BestEvaluation::checkpoint).orElse(OptionalInt.empty());
        best = Optional.of(new BestEvaluation(value, step, checkpoint));
        return true;
    }

    private boolean isBetter(double value, double than) {
        return config.isGreaterBetter() ? value > than : value < than;
    }

    /// Whether the run is to end.
    boolean stops() {
        return config.earlyStoppingPatience().isPresent()
                && worse >= config.earlyStoppingPatience().getAsInt();
    }

    /// Hears that a checkpoint is written.
    void saving(int step) {
        best =
                best.map(
                        b ->
                                b.step() == step
                                        ? new BestEvaluation(b.metric(), step, OptionalInt.of(step))
                                        : b);
    }

    /// The best evaluation so far.
    Optional<BestEvaluation> best() {
        return best;
    }

    /// Key of the metric in logs.
    String metricKey() {
        return config.metricKey();
    }

    /// Whether the result is the best checkpoint.
    boolean isLoadedAtEnd() {
        return config.loadBestModelAtEnd();
    }

    void save(Path folder) throws IOException {
        if (asked) {
            var saved =
                    new Saved(
                            best.map(BestEvaluation::metric).orElse(Double.NaN),
                            best.map(BestEvaluation::step).orElse(0),
                            best.map(BestEvaluation::checkpoint)
                                    .orElse(OptionalInt.empty())
                                    .orElse(-1),
                            worse,
                            rates.measured().map(r -> r.state()).orElse(new double[0]));
            Files.writeString(folder.resolve(FILE), Json.MAPPER.writeValueAsString(saved));
        }
    }

    void restore(Path folder) {
        Path file = folder.resolve(FILE);
        if (!asked) {
            return;
        }
        try {
            Saved saved = Json.MAPPER.readValue(Files.readString(file), Saved.class);
            best =
                    Double.isNaN(saved.metric())
                            ? Optional.empty()
                            : Optional.of(
                                    new BestEvaluation(
                                            saved.metric(),
                                            saved.step(),
                                            saved.checkpoint() < 0
                                                    ? OptionalInt.empty()
                                                    : OptionalInt.of(saved.checkpoint())));
            worse = saved.worse();
            rates.measured().ifPresent(r -> r.restore(saved.rates()));
        } catch (JsonProcessingException e) {
            throw new CheckpointException(file + " can't be read: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new CheckpointException(
                    "%s is missing; the checkpoint is of a run that compares no evaluations"
                            .formatted(file),
                    e);
        }
    }
}
