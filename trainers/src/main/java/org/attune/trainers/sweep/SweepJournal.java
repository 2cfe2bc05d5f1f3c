package org.attune.trainers.sweep;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// The journal of a sweep: JSON lines as Optuna's `JournalFileBackend` writes them, so Optuna reads
/// them too. Each line is on the disk before the work that it tells of goes on; a line that a crash
/// cut is dropped.
final class SweepJournal {
    /// The journal's name in the sweep's folder.
    public static final String NAME = "sweep.jsonl";

    /// What Optuna calls the names of a study's results.
    private static final String METRIC_NAMES = "study:metric_names";

    private static final int CREATE_STUDY = 0;
    private static final int STUDY_ATTRIBUTES = 3;
    private static final int CREATE_TRIAL = 4;
    private static final int PARAM = 5;
    private static final int STATE = 6;
    private static final int STEP = 7;

    private final Path file;
    private final List<SweepTrial> trials = new ArrayList<>();
    private final Map<String, SweepRange> ranges = new LinkedHashMap<>(); // as lines tell
    private Optional<String> metric = Optional.empty();
    private boolean smaller = true;

    private SweepJournal(Path file) {
        this.file = file;
    }

    /// Opens the journal in a folder, or begins it.
    ///
    /// @param study by which the sweep is told from others
    /// @param smaller whether smaller results are better
    /// @throws ConfigException if the folder holds another sweep
    public static SweepJournal open(Path folder, String study, boolean smaller) {
        var journal = new SweepJournal(folder.resolve(NAME));
        try {
            Files.createDirectories(folder);
            if (Files.exists(journal.file)) {
                journal.read(study);
            }
            if (!Files.exists(journal.file) || Files.size(journal.file) == 0) {
                Map<String, Object> line = line(CREATE_STUDY);
                line.put("study_name", study);
                line.put("directions", List.of(smaller ? 1 : 2));
                journal.append(line);
            }
        } catch (IOException e) {
            throw new ConfigException(
                    "output_dir: %s can't be read or written: %s".formatted(journal.file, e), e);
        }
        return journal;
    }

    /// Reads the journal in a folder and leaves it as it is: a sweep may be writing it.
    ///
    /// @return empty if there is none
    static Optional<SweepJournal> in(Path folder) throws IOException {
        var journal = new SweepJournal(folder.resolve(NAME));
        if (!Files.isRegularFile(journal.file)) {
            return Optional.empty();
        }
        byte[] bytes = Files.readAllBytes(journal.file);
        journal.read(bytes, whole(bytes), Optional.empty());
        return Optional.of(journal);
    }

    private void read(String study) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int whole = whole(bytes);
        if (whole < bytes.length) { // what a crash cut
            try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(whole);
            }
        }
        read(bytes, whole, Optional.of(study));
    }

    /// Bytes of whole lines.
    private static int whole(byte[] bytes) {
        int whole = bytes.length;
        while (whole > 0 && bytes[whole - 1] != '\n') {
            whole--;
        }
        return whole;
    }

    private void read(byte[] bytes, int whole, Optional<String> study) throws IOException {
        for (String text : new String(bytes, 0, whole, StandardCharsets.UTF_8).lines().toList()) {
            read(Json.tree(text), study);
        }
    }

    private void read(JsonNode line, Optional<String> study) throws IOException {
        int trial = line.path("trial_id").asInt();
        switch (line.path("op_code").asInt(-1)) {
            case CREATE_STUDY -> {
                smaller = line.path("directions").path(0).asInt(1) == 1;
                String name = line.path("study_name").asText();
                if (study.isPresent() && !study.get().equals(name)) {
                    throw new ConfigException(
                            "output_dir: %s is of another sweep, with other keys, data or ranges; choose another output_dir"
                                    .formatted(file));
                }
            }
            case STUDY_ATTRIBUTES -> {
                JsonNode name = line.path("system_attr").path(METRIC_NAMES).path(0);
                metric = Optional.ofNullable(name.textValue()).or(() -> metric);
            }
            case CREATE_TRIAL ->
                    trials.add(
                            new SweepTrial(
                                    trials.size(),
                                    Map.of(),
                                    SweepTrial.State.RUNNING,
                                    OptionalDouble.empty(),
                                    Map.of()));
            case PARAM -> {
                SweepTrial old = trials.get(trial);
                ranges.putIfAbsent(
                        line.path("param_name").asText(),
                        range(Json.tree(line.path("distribution").asText("{}"))));
                Map<String, Double> values = new LinkedHashMap<>(old.values());
                values.put(
                        line.path("param_name").asText(),
                        line.path("param_value_internal").asDouble());
                trials.set(
                        trial,
                        new SweepTrial(
                                old.number(), values, old.state(), old.result(), old.steps()));
            }
            case STATE -> {
                SweepTrial old = trials.get(trial);
                JsonNode value = line.path("values").path(0);
                trials.set(
                        trial,
                        old.at(
                                SweepTrial.State.of(line.path("state").asInt()),
                                value.isNumber()
                                        ? OptionalDouble.of(value.asDouble())
                                        : OptionalDouble.empty(),
                                old.steps()));
            }
            case STEP -> {
                SweepTrial old = trials.get(trial);
                Map<Integer, Double> steps = new LinkedHashMap<>(old.steps());
                steps.put(line.path("step").asInt(), line.path("intermediate_value").asDouble());
                trials.set(trial, old.at(old.state(), old.result(), steps));
            }
            default -> {} // Optuna's, such as attributes that its dashboard adds
        }
    }

    /// The range that [SweepRange#distribution] describes.
    private static SweepRange range(JsonNode told) {
        JsonNode attributes = told.path("attributes");
        if (attributes.has("choices")) {
            List<String> choices = new ArrayList<>();
            attributes.path("choices").forEach(choice -> choices.add(choice.asText()));
            return new SweepRange.Choices(choices);
        }
        JsonNode step = attributes.path("step");
        return new SweepRange.Numbers(
                attributes.path("low").asDouble(),
                attributes.path("high").asDouble(),
                attributes.path("log").asBoolean(),
                told.path("name").asText().equals("IntDistribution"),
                step.isNumber() ? OptionalDouble.of(step.asDouble()) : OptionalDouble.empty());
    }

    /// Ranges by key, of the values that were tried.
    Map<String, SweepRange> ranges() {
        return Collections.unmodifiableMap(ranges);
    }

    /// The name of what is compared, once it is known.
    Optional<String> metric() {
        return metric;
    }

    /// Whether smaller results are better.
    boolean isSmallerBetter() {
        return smaller;
    }

    /// Notes the name of what is compared, unless it was noted before.
    void compares(String name) {
        if (metric.isEmpty()) {
            metric = Optional.of(name);
            Map<String, Object> line = line(STUDY_ATTRIBUTES);
            line.put("study_id", 0);
            line.put("system_attr", Map.of(METRIC_NAMES, List.of(name)));
            appendAll(List.of(line));
        }
    }

    /// All trials, in their order.
    public List<SweepTrial> trials() {
        return List.copyOf(trials);
    }

    /// Begins a trial.
    ///
    /// @param ranges by key, in which its values lie
    public SweepTrial begin(Map<String, Double> values, Map<String, SweepRange> ranges) {
        int number = trials.size();
        Map<String, Object> first = line(CREATE_TRIAL);
        first.put("study_id", 0);
        first.put("datetime_start", LocalDateTime.now(ZoneId.systemDefault()).toString());
        List<Map<String, Object>> lines = new ArrayList<>(List.of(first));
        values.forEach(
                (key, value) -> {
                    Map<String, Object> line = line(PARAM);
                    line.put("trial_id", number);
                    line.put("param_name", key);
                    line.put("param_value_internal", value);
                    line.put("distribution", Json.compact(ranges.get(key).distribution()));
                    lines.add(line);
                });
        appendAll(lines);
        var trial =
                new SweepTrial(
                        number, values, SweepTrial.State.RUNNING, OptionalDouble.empty(), Map.of());
        trials.add(trial);
        return trial;
    }

    /// Ends a trial.
    ///
    /// @param steps held-out numbers by step
    public void end(
            SweepTrial trial,
            SweepTrial.State state,
            OptionalDouble result,
            Map<Integer, Double> steps) {
        List<Map<String, Object>> lines = new ArrayList<>();
        steps.forEach(
                (step, value) -> {
                    Map<String, Object> line = line(STEP);
                    line.put("trial_id", trial.number());
                    line.put("step", step);
                    line.put("intermediate_value", value);
                    lines.add(line);
                });
        Map<String, Object> line = line(STATE);
        line.put("trial_id", trial.number());
        line.put("state", state.code());
        line.put("values", result.isPresent() ? List.of(result.getAsDouble()) : null);
        line.put("datetime_complete", LocalDateTime.now(ZoneId.systemDefault()).toString());
        lines.add(line);
        appendAll(lines);
        trials.set(trial.number(), trial.at(state, result, steps));
    }

    private static Map<String, Object> line(int operation) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("op_code", operation);
        line.put("worker_id", "attune");
        return line;
    }

    private void appendAll(List<Map<String, Object>> lines) {
        try {
            var text = new StringBuilder();
            lines.forEach(line -> text.append(Json.compact(line)).append('\n'));
            write(text.toString());
        } catch (IOException e) {
            throw new ConfigException(file + " can't be written: " + e, e);
        }
    }

    private void append(Map<String, Object> line) throws IOException {
        write(Json.compact(line) + "\n");
    }

    private void write(String text) throws IOException {
        try (var channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
    }
}
