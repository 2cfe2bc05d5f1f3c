package org.attune.reports.tracker;

import org.attune.files.AtomicFile;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Trackio's inbox on this machine: JSON lines in `TRACKIO_DIR/inbox/WRITER/`, which `trackio show`
/// takes into its database. The folder is `$TRACKIO_DIR`, else `$HF_HOME/trackio`, else
/// `~/.cache/huggingface/trackio`.
public final class TrackioInbox implements Tracker {

    private final String project;
    private final Path inbox;
    private Optional<TrackioEntries> entries = Optional.empty();
    private volatile Optional<String> runId = Optional.empty();
    private Path writer;
    private int number;

    /// @param project that the run belongs to
    /// @param home the user's folder
    public TrackioInbox(String project, Map<String, String> environment, Path home) {
        this.project = project;
        this.writer = home;
        inbox = folder(environment, home).resolve("inbox");
    }

    private static Path folder(Map<String, String> environment, Path home) {
        String own = environment.getOrDefault("TRACKIO_DIR", "");
        if (!own.isBlank()) {
            return Path.of(own);
        }
        String hub = environment.getOrDefault("HF_HOME", "");
        Path cache = hub.isBlank() ? home.resolve(".cache/huggingface") : Path.of(hub);
        return cache.resolve("trackio");
    }

    @Override
    public String name() {
        return "trackio";
    }

    @Override
    public Duration pace() {
        return Duration.ofSeconds(2);
    }

    @Override
    public Optional<String> runId() {
        return runId;
    }

    @Override
    public String place() {
        return "to look at: trackio show --project " + project;
    }

    @Override
    public void open(TrackedRun run) throws IOException {
        var own = new TrackioEntries(project, run);
        entries = Optional.of(own);
        runId = Optional.of(own.runId());
        writer = inbox.resolve("attune-" + run.id());
        Files.createDirectories(writer);
    }

    @Override
    public void log(List<TrackedPoint> points) throws IOException {
        var lines = new StringBuilder();
        for (Map<String, Object> entry : entries.orElseThrow().of(points)) {
            Map<String, Object> record = new LinkedHashMap<>();
            record.put("v", 1);
            record.put("kind", "metric");
            record.putAll(entry);
            lines.append(Json.MAPPER.writeValueAsString(record)).append('\n');
        }
        if (lines.isEmpty()) {
            return;
        }
        Files.createDirectories(writer); // the importer deletes it when it is empty
        AtomicFile.writeText(writer.resolve("%08d.jsonl".formatted(number)), lines.toString());
        number++;
        entries.get().delivered();
    }

    @Override
    public void close(RunEnd end) {}
}
