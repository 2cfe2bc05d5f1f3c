package org.attune.trainers.sweep;

import org.attune.error.ConfigException;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// What the folder of a sweep says of it, under way or over, as [Sweep#told] describes it.
final class SweepReport {
    private final Path folder;
    private final SweepJournal journal;
    private final Optional<String> metric;

    private SweepReport(Path folder, SweepJournal journal) {
        this.folder = folder;
        this.journal = journal;
        metric = journal.metric().or(this::measured);
    }

    /// @throws ConfigException if the journal can't be read
    static Optional<Map<String, Object>> of(Path folder) {
        try {
            Optional<SweepJournal> journal = SweepJournal.in(folder);
            return journal.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new SweepReport(folder, journal.get()).fields());
        } catch (IOException e) {
            throw new ConfigException(folder + ": the sweep can't be read: " + e, e);
        }
    }

    /// What the first trial that has ended was compared by: older journals don't say.
    private Optional<String> measured() {
        try {
            return journal.trials().stream()
                    .filter(trial -> trial.state() == SweepTrial.State.COMPLETE)
                    .findFirst()
                    .map(trial -> Sweep.folder(folder, trial.number()))
                    .map(own -> SweepOutcome.of(own, Optional.empty()).metric());
        } catch (ConfigException e) {
            return Optional.empty(); // its folder is gone
        }
    }

    private Map<String, Object> fields() throws IOException {
        List<Object> trials = new ArrayList<>();
        for (SweepTrial trial : journal.trials()) {
            trials.add(fields(trial));
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("metric", metric.orElse(null));
        fields.put("smaller_is_better", journal.isSmallerBetter());
        fields.put("keys", journal.ranges().keySet().stream().filter(this::differs).toList());
        fields.put("best", best().map(trial -> (long) trial.number() + 1).orElse(null));
        fields.put("trials", trials);
        return fields;
    }

    private boolean differs(String key) {
        return journal.trials().stream()
                        .flatMap(trial -> Optional.ofNullable(trial.values().get(key)).stream())
                        .distinct()
                        .count()
                > 1;
    }

    private Optional<SweepTrial> best() {
        Comparator<SweepTrial> byResult =
                Comparator.comparingDouble(trial -> trial.result().orElseThrow());
        return journal.trials().stream()
                .filter(trial -> trial.state() == SweepTrial.State.COMPLETE)
                .filter(trial -> trial.result().isPresent())
                .min(journal.isSmallerBetter() ? byResult : byResult.reversed());
    }

    private Map<String, Object> fields(SweepTrial trial) throws IOException {
        Path own = Sweep.folder(folder, trial.number());
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("number", (long) trial.number() + 1);
        fields.put("folder", own.getFileName().toString());
        fields.put(
                "state",
                switch (trial.state()) {
                    case RUNNING -> "running";
                    case COMPLETE -> "finished";
                    case PRUNED -> "given up";
                    case FAILED -> "failed";
                });
        Map<String, String> values = new LinkedHashMap<>();
        trial.values().forEach((key, value) -> values.put(key, text(key, value)));
        fields.put("values", values);
        OptionalDouble result = trial.result();
        fields.put("result", result.isPresent() ? (Object) result.getAsDouble() : null);
        List<Object> line = new ArrayList<>();
        steps(trial, own)
                .forEach(
                        (step, value) -> {
                            if (Double.isFinite(value)) {
                                line.add(List.of((long) step, value));
                            }
                        });
        fields.put("line", line);
        return fields;
    }

    private String text(String key, double value) {
        return Optional.ofNullable(journal.ranges().get(key))
                .map(range -> range.text(value))
                .orElse(String.valueOf(value));
    }

    /// A journal tells of a trial's steps when it has ended.
    private Map<Integer, Double> steps(SweepTrial trial, Path own) throws IOException {
        return trial.state() == SweepTrial.State.RUNNING && metric.isPresent()
                ? SweepOutcome.steps(own, metric.get())
                : trial.steps();
    }
}
