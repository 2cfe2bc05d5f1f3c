package org.attune.trainers.sweep;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.SummaryFile;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// What a trial's folder says of its outcome.
///
/// @param metric that was compared
/// @param result at the end
/// @param steps the metric after the first step, by step
record SweepOutcome(String metric, OptionalDouble result, Map<Integer, Double> steps) {

    /// @param wanted the metric; unset: the held-out one of the run's summary
    /// @throws ConfigException if nothing was measured
    static SweepOutcome of(Path folder, Optional<String> wanted) {
        try {
            JsonNode held =
                    Json.MAPPER.readTree(folder.resolve(SummaryFile.NAME).toFile()).path("heldout");
            Optional<String> own = Optional.ofNullable(held.path("metric").textValue());
            String metric =
                    wanted.or(() -> own)
                            .orElseThrow(
                                    () ->
                                            new ConfigException(
                                                    "sweep: nothing was measured on held-out rows,"
                                                            + " so trials can't be compared; set"
                                                            + " eval_datasets or test_split_size"));
            Map<Integer, Double> steps = steps(folder, metric);
            boolean isOwn = own.isPresent() && own.get().equals(metric);
            OptionalDouble result =
                    isOwn && held.path("after").isNumber()
                            ? OptionalDouble.of(held.get("after").asDouble())
                            : steps.entrySet().stream()
                                    .max(Map.Entry.comparingByKey())
                                    .map(e -> OptionalDouble.of(e.getValue()))
                                    .orElse(OptionalDouble.empty());
            return new SweepOutcome(metric, result, steps);
        } catch (IOException e) {
            throw new ConfigException(folder + ": the trial's files can't be read: " + e, e);
        }
    }

    /// A metric after the first step, by step, as far as it is written.
    static Map<Integer, Double> steps(Path folder, String metric) throws IOException {
        Map<Integer, Double> steps = new LinkedHashMap<>();
        for (Map<String, Object> line : MetricsFile.read(folder.resolve(MetricsFile.NAME))) {
            if (line.get("step") instanceof Number step
                    && step.intValue() > 0
                    && line.get(metric) instanceof Number value) {
                steps.put(step.intValue(), value.doubleValue());
            }
        }
        return steps;
    }

    /// A state with which a trial ends that was not given up.
    SweepTrial.State state() {
        return result.isPresent() && Double.isFinite(result.getAsDouble())
                ? SweepTrial.State.COMPLETE
                : SweepTrial.State.FAILED;
    }

    static boolean isSmallerBetter(String metric) {
        return metric.endsWith("loss") || metric.endsWith("perplexity");
    }
}
