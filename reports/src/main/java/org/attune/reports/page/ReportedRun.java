package org.attune.reports.page;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;

import org.attune.json.Json;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.report.HeldOutFile;
import org.attune.trainers.report.HeldOutRow;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.PhasesFile;
import org.attune.trainers.report.RunCard;
import org.attune.trainers.report.SummaryFile;
import org.attune.trainers.report.WarningsFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// What a run's folder tells. A file that is missing or can't be read leaves its part empty.
///
/// @param name by which runs are told apart
/// @param folder the run's `output_dir`
/// @param card `run.json`
/// @param summary `summary.json`; a missing node if there is none
/// @param metrics lines of `metrics.jsonl`
/// @param config `config.yaml`
/// @param heldOut `heldout.jsonl`
/// @param completions of some logged steps
/// @param phases `phases.json`
/// @param warnings `warnings.jsonl`, oldest first
/// @param unread files that can't be read, and why
record ReportedRun(
        String name,
        Path folder,
        Optional<RunCard> card,
        JsonNode summary,
        List<Map<String, Object>> metrics,
        Map<String, Object> config,
        List<HeldOutRow> heldOut,
        RecordedRounds completions,
        PhasesFile.Phases phases,
        List<WarningsFile.Warning> warnings,
        List<String> unread) {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final TypeReference<LinkedHashMap<String, Object>> FIELDS =
            new TypeReference<>() {};

    /// Reads a file.
    private interface Reading<T> {
        T read() throws IOException;
    }

    /// Reads a run's folder.
    static ReportedRun of(Path folder, String name) {
        return of(folder, name, RecordedRounds.MOST);
    }

    /// Reads a run's folder.
    ///
    /// @param rounds most of its recorded rounds that are read
    static ReportedRun of(Path folder, String name, int rounds) {
        List<String> unread = new ArrayList<>();
        List<Map<String, Object>> metrics =
                read(
                        unread,
                        MetricsFile.NAME,
                        List.of(),
                        () -> MetricsFile.read(folder.resolve(MetricsFile.NAME)));
        Map<String, Object> config =
                read(
                        unread,
                        "config.yaml",
                        Map.of(),
                        () -> fields(YAML, folder.resolve("config.yaml")));
        return new ReportedRun(
                name,
                folder,
                read(
                        unread,
                        RunCard.NAME,
                        Optional.empty(),
                        () -> RunCard.read(folder.resolve(RunCard.NAME))),
                read(
                        unread,
                        SummaryFile.NAME,
                        MissingNode.getInstance(),
                        () -> tree(folder.resolve(SummaryFile.NAME))),
                metrics,
                config,
                read(
                        unread,
                        HeldOutFile.NAME,
                        List.of(),
                        () -> HeldOutRow.read(folder.resolve(HeldOutFile.NAME))),
                read(
                        unread,
                        "completions",
                        RecordedRounds.NONE,
                        () -> RecordedRounds.in(folder, rewardNames(metrics), config, rounds)),
                read(
                        unread,
                        PhasesFile.NAME,
                        new PhasesFile.Phases(Map.of(), Map.of()),
                        () -> PhasesFile.read(folder.resolve(PhasesFile.NAME))),
                read(
                        unread,
                        WarningsFile.NAME,
                        List.of(),
                        () -> WarningsFile.read(folder.resolve(WarningsFile.NAME))),
                unread);
    }

    private static <T> T read(List<String> unread, String file, T otherwise, Reading<T> reading) {
        try {
            return reading.read();
        } catch (IOException | RuntimeException e) {
            unread.add(file + ": " + e.getMessage());
            return otherwise;
        }
    }

    private static JsonNode tree(Path file) throws IOException {
        return Files.exists(file) ? Json.tree(Files.readString(file)) : MissingNode.getInstance();
    }

    private static Map<String, Object> fields(ObjectMapper mapper, Path file) throws IOException {
        return Files.exists(file) ? mapper.readValue(Files.readString(file), FIELDS) : Map.of();
    }

    /// A configuration's text as [#config] has it, to compare the two.
    static Map<String, Object> fields(String yaml) {
        try {
            return YAML.readValue(yaml, FIELDS);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a configuration that isn't YAML", e);
        }
    }

    private static List<String> rewardNames(List<Map<String, Object>> metrics) {
        return metrics.stream()
                .flatMap(line -> line.keySet().stream())
                .filter(key -> key.matches("rewards/.+/mean"))
                .map(key -> key.substring("rewards/".length(), key.length() - "/mean".length()))
                .distinct()
                .toList();
    }

    /// The method as in a command, `dpo` say; empty if no file tells.
    String method() {
        return card.map(RunCard::method).orElse("");
    }

    /// What is said of a run's state.
    String state() {
        if (card.isPresent()) {
            RunCard known = card.get();
            return known.isDead() ? "dead" : known.state().name().toLowerCase(Locale.ROOT);
        }
        return summary.path("interrupted").asBoolean() ? "stopped" : "finished";
    }

    /// Whether the summary is of this run's end: one that failed when it went on has an older one.
    boolean isOver() {
        return card.map(
                        known ->
                                known.state() == RunCard.State.FINISHED
                                        || known.state() == RunCard.State.STOPPED)
                .orElse(true);
    }

    /// Steps done.
    int steps() {
        int logged =
                metrics.isEmpty() || !(metrics.getLast().get(MetricKeys.STEP) instanceof Number n)
                        ? 0
                        : n.intValue();
        return Math.max(
                summary.path("steps").asInt(), Math.max(logged, card.map(RunCard::step).orElse(0)));
    }

    /// Seconds by phase.
    Map<String, Double> seconds() {
        Map<String, Double> seconds = new LinkedHashMap<>();
        summary.path("seconds")
                .properties()
                .forEach(phase -> seconds.put(phase.getKey(), phase.getValue().asDouble()));
        return seconds.isEmpty() ? phases.seconds() : seconds;
    }

    /// A path as the run's directory shows it, if it lies there.
    String fromDirectory(String path) {
        String directory = card.map(RunCard::directory).orElse("") + '/';
        return directory.length() > 1 && path.startsWith(directory)
                ? path.substring(directory.length())
                : path;
    }

    /// A setting as text; empty if it is unset.
    String setting(String key) {
        Object value = config.get(key);
        return value == null ? "" : value.toString();
    }
}
