package org.attune.serve;

import org.attune.files.AtomicFile;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A job that trains an adapter: a folder with its rows, its run's file, its run, and `job.json`,
/// which is the object that OpenAI's clients see. Guarded by its [desk][TuningDesk].
final class TuningJob {
    /// Where a job is with which nothing happens any more.
    private static final Set<String> ENDED = Set.of("succeeded", "failed", "cancelled");

    /// Where a job is that waits for its turn, or for the server to start again.
    private static final Set<String> OPEN = Set.of("queued", "running");

    private final Path folder;
    private final Map<String, Object> fields;
    private Optional<Process> process = Optional.empty();
    private String wanted = "succeeded"; // its status when its process ends

    private TuningJob(Path folder, Map<String, Object> fields) {
        this.folder = folder;
        this.fields = fields;
    }

    /// A job that was asked for just now.
    static TuningJob of(Path folder, TuningRequest request) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("object", "fine_tuning.job");
        fields.put("id", folder.getFileName().toString());
        fields.put("model", request.model());
        fields.put("created_at", now());
        fields.put("finished_at", null);
        fields.put("fine_tuned_model", null);
        fields.put("organization_id", "attune");
        fields.put("result_files", List.of());
        fields.put("status", "queued");
        fields.put("validation_file", request.validationFile().orElse(null));
        fields.put("training_file", request.trainingFile());
        fields.put("hyperparameters", request.hyperparameters());
        fields.put(
                "method",
                Map.of(
                        "type",
                        request.method(),
                        request.method(),
                        Map.of("hyperparameters", request.hyperparameters())));
        fields.put("trained_tokens", null);
        fields.put("error", null);
        fields.put("seed", request.seed());
        fields.put("user_provided_suffix", request.suffix().orElse(null));
        fields.put("integrations", List.of());
        fields.put("metadata", request.metadata());
        fields.put("estimated_finish", null);
        return new TuningJob(folder, fields);
    }

    /// A job of an earlier server.
    @SuppressWarnings("unchecked") // as it was written
    static TuningJob read(Path folder) throws IOException {
        return new TuningJob(
                folder,
                (Map<String, Object>) Json.parse(Files.readString(folder.resolve("job.json"))));
    }

    private static long now() {
        return Instant.now().getEpochSecond();
    }

    String id() {
        return (String) fields.get("id");
    }

    Map<String, Object> fields() {
        return fields;
    }

    String status() {
        return (String) fields.get("status");
    }

    boolean isOpen() {
        return OPEN.contains(status());
    }

    Path folder() {
        return folder;
    }

    /// The folder of the adapter.
    Path result() {
        return folder.resolve("out");
    }

    /// The command that trains.
    String command() {
        return TuningRequest.command((String) ((Map<?, ?>) fields.get("method")).get("type"));
    }

    Optional<String> adapter() {
        return Optional.ofNullable((String) fields.get("fine_tuned_model"));
    }

    /// Writes a change down, and tells of it.
    void to(String status, String message) throws IOException {
        fields.put("status", status);
        if (ENDED.contains(status)) {
            fields.put("finished_at", now());
        }
        AtomicFile.writeText(folder.resolve("job.json"), Json.write(fields));
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("object", "fine_tuning.job.event");
        event.put("id", "ftevent-" + CallIds.next() + CallIds.next());
        event.put("created_at", now());
        event.put("level", status.equals("failed") ? "error" : "info");
        event.put("message", message);
        event.put("type", "message");
        List<Map<String, Object>> events = new ArrayList<>(told());
        events.add(event);
        AtomicFile.writeText(folder.resolve("events.json"), Json.write(events));
    }

    void failed(String code, String message) throws IOException {
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("code", code);
        error.put("message", message);
        error.put("param", null);
        fields.put("error", error);
        to("failed", message);
    }

    /// Starts the run; where it has checkpoints it goes on from the newest.
    void start(List<String> words) throws IOException {
        List<String> command = new ArrayList<>(words);
        if (hasCheckpoint()) {
            command.add("resume=true");
        }
        wanted = "succeeded";
        Process started =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(
                                ProcessBuilder.Redirect.appendTo(
                                        folder.resolve("run.log").toFile()))
                        .start();
        started.getOutputStream().close(); // a run asks nobody
        process = Optional.of(started);
    }

    private boolean hasCheckpoint() throws IOException {
        return !checkpoints().isEmpty();
    }

    /// Asks the run to end with a checkpoint, as Ctrl-C does.
    ///
    /// @param status that the job then has
    /// @return whether there is a run to end
    boolean stop(String status) {
        wanted = status;
        process.filter(Process::isAlive).ifPresent(Process::destroy);
        return process.isPresent();
    }

    /// Whether its run has not ended yet, whatever was asked of it.
    boolean isWorking() {
        return process.isPresent();
    }

    Process process() {
        return process.orElseThrow();
    }

    /// What was wanted when the run ended.
    String wanted() {
        return wanted;
    }

    void ended() {
        process = Optional.empty();
    }

    /// Steps that have a checkpoint.
    List<Integer> checkpoints() throws IOException {
        if (!Files.isDirectory(result())) {
            return List.of();
        }
        try (var found = Files.list(result())) {
            return found.map(path -> path.getFileName().toString())
                    .filter(name -> name.matches("checkpoint-\\d+"))
                    .map(name -> Integer.valueOf(name.substring("checkpoint-".length())))
                    .sorted()
                    .toList();
        }
    }

    /// Lines of the run's metrics.
    List<Map<?, ?>> metrics() throws IOException {
        Path file = result().resolve("metrics.jsonl");
        if (!Files.exists(file)) {
            return List.of();
        }
        List<Map<?, ?>> lines = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            if (line.endsWith("}")) { // else it is being written
                lines.add((Map<?, ?>) Json.parse(line));
            }
        }
        return lines;
    }

    private List<Map<String, Object>> told() throws IOException {
        Path file = folder.resolve("events.json");
        if (!Files.exists(file)) {
            return List.of();
        }
        List<Map<String, Object>> events = new ArrayList<>();
        for (Object event : (List<?>) Json.parse(Files.readString(file))) {
            Map<String, Object> copy = new LinkedHashMap<>();
            ((Map<?, ?>) event).forEach((key, value) -> copy.put((String) key, value));
            events.add(copy);
        }
        return events;
    }

    /// What has happened, the newest first: changes of the job, and what its steps measured.
    List<Map<String, Object>> events() throws IOException {
        List<Map<String, Object>> told = told();
        List<Map<String, Object>> all = new ArrayList<>();
        List<Map<?, ?>> steps =
                metrics().stream().filter(line -> line.containsKey("loss")).toList();
        double seconds = 0;
        int before = 0;
        int end = ENDED.contains(status()) ? 1 : 0;
        all.addAll(told.subList(0, told.size() - end));
        long began = now();
        if (!all.isEmpty() && all.getLast().get("created_at") instanceof Number number) {
            began = number.longValue();
        }
        for (Map<?, ?> line : steps) {
            int step = ((Number) line.get("step")).intValue();
            if (line.get("step_time") instanceof Number time) {
                seconds += time.doubleValue() * (step - before);
            }
            before = step;
            Map<String, Object> data = new LinkedHashMap<>();
            data.put("step", step);
            data.put("train_loss", line.get("loss"));
            data.put("train_mean_token_accuracy", line.get("mean_token_accuracy"));
            Map<String, Object> event = new LinkedHashMap<>();
            event.put("object", "fine_tuning.job.event");
            event.put("id", "ftevent-" + id() + "-" + step);
            event.put("created_at", began + (long) seconds);
            event.put("level", "info");
            event.put("message", "Step %d: training loss=%s".formatted(step, line.get("loss")));
            event.put("data", data);
            event.put("type", "metrics");
            all.add(event);
        }
        all.addAll(told.subList(told.size() - end, told.size()));
        return all.reversed();
    }

    /// The run's figures as a table, which OpenAI's jobs leave as their result file.
    byte[] table() throws IOException {
        var text = new StringBuilder("step,train_loss,train_accuracy,valid_loss\n");
        for (Map<?, ?> line : metrics()) {
            text.append(line.get("step")).append(',');
            text.append(cell(line, "loss")).append(',');
            text.append(cell(line, "mean_token_accuracy")).append(',');
            text.append(cell(line, "eval_loss")).append('\n');
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String cell(Map<?, ?> line, String key) {
        return line.get(key) == null ? "" : line.get(key).toString();
    }
}
