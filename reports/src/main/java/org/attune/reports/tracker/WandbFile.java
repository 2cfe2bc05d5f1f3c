package org.attune.reports.tracker;

import com.fasterxml.jackson.core.JsonProcessingException;

import org.attune.json.Json;
import org.attune.reports.tensorboard.ProtoMessage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A run of Weights & Biases in a folder, as its offline mode writes it; `wandb sync FOLDER`
/// uploads it. Nothing goes over the network. Names of metrics are transformers', and the step is
/// `train/global_step`.
///
/// Fields used: `Record{run 17, config 5, metric 12, history 2, summary 3, exit 18, header 21}`,
/// `RunRecord{run_id 1, entity 2, project 3, config 4, run_group 6, job_type 7, display_name 8,
/// notes 9, tags 10, host 13, starting_step 14, start_time 17}`, `ConfigRecord`, `HistoryRecord`
/// and `SummaryRecord{update or item 1}`, items `{key 1, value_json 16}`, `HistoryRecord.step 2`,
/// `MetricRecord{name 1, glob_name 2, step_metric 4, options 6}`, `RunExitRecord{exit_code 1,
/// runtime 2}`, `HeaderRecord.version_info{producer 1, min_consumer 2}`.
public final class WandbFile implements Tracker {
    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyyMMdd_HHmmss");
    private static final String STEP = "train/global_step";

    private final Map<String, String> environment;
    private final Path root;
    private final boolean named;
    private final Map<String, Object> summary = new LinkedHashMap<>();
    private Optional<WandbLog> log = Optional.empty();
    private volatile Optional<String> runId = Optional.empty();
    private volatile Optional<Path> folder = Optional.empty();
    private Instant started = Instant.EPOCH;

    /// @param environment `WANDB_PROJECT`, `WANDB_DIR` and the others of W&B that say what a run is
    /// @param outputDir where the folder `wandb` is made, unless `WANDB_DIR` says otherwise
    /// @param named whether the run was given a name, which then goes before `WANDB_NAME`
    public WandbFile(Map<String, String> environment, Path outputDir, boolean named) {
        this.environment = Map.copyOf(environment);
        this.named = named;
        root = variable("WANDB_DIR").map(Path::of).orElse(outputDir).resolve("wandb");
    }

    private Optional<String> variable(String name) {
        return Optional.ofNullable(environment.get(name)).filter(value -> !value.isBlank());
    }

    @Override
    public String name() {
        return "wandb";
    }

    @Override
    public Duration pace() {
        return Duration.ZERO;
    }

    @Override
    public Optional<String> runId() {
        return runId;
    }

    @Override
    public String place() {
        return folder.map(f -> "to upload: wandb sync " + f).orElse("nothing written");
    }

    @Override
    public void open(TrackedRun run) throws IOException {
        started = run.started();
        String id = variable("WANDB_RUN_ID").or(run::earlierId).orElse(run.id());
        String stamp = STAMP.format(started.atZone(ZoneId.systemDefault()));
        Path own = root.resolve("offline-run-%s-%s".formatted(stamp, id));
        Files.createDirectories(own.resolve("files"));
        WandbLog file = WandbLog.create(own.resolve("run-" + id + ".wandb"));
        log = Optional.of(file);
        folder = Optional.of(own);
        runId = Optional.of(id);
        var version = new ProtoMessage().text(1, "attune").text(2, "0.0.1");
        file.append(21, new ProtoMessage().message(1, version));
        file.append(17, run(run, id));
        file.append(12, new ProtoMessage().text(1, STEP).message(6, options(false)));
        file.append(12, new ProtoMessage().text(2, "*").text(4, STEP).message(6, options(true)));
    }

    private static ProtoMessage options(boolean synced) {
        var options = new ProtoMessage();
        if (synced) {
            options.varint(1, 1);
        }
        return options.varint(3, 1);
    }

    private ProtoMessage run(TrackedRun run, String id) throws IOException {
        var message = new ProtoMessage().text(1, id);
        variable("WANDB_ENTITY").ifPresent(v -> message.text(2, v));
        message.text(3, variable("WANDB_PROJECT").orElse("huggingface"));
        message.message(4, items(run.config()));
        variable("WANDB_RUN_GROUP").ifPresent(v -> message.text(6, v));
        variable("WANDB_JOB_TYPE").ifPresent(v -> message.text(7, v));
        Optional<String> other = named ? Optional.empty() : variable("WANDB_NAME");
        message.text(8, other.orElse(run.name()));
        variable("WANDB_NOTES").ifPresent(v -> message.text(9, v));
        variable("WANDB_TAGS")
                .ifPresent(
                        v -> {
                            for (String tag : v.split(",")) {
                                message.text(10, tag.strip());
                            }
                        });
        variable("WANDB_HOST").or(WandbFile::host).ifPresent(v -> message.text(13, v));
        message.varint(14, run.logged());
        return message.message(
                17,
                new ProtoMessage()
                        .varint(1, started.getEpochSecond())
                        .varint(2, started.getNano()));
    }

    private static Optional<String> host() {
        try {
            return Optional.of(InetAddress.getLocalHost().getHostName());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /// A record whose field 1 is items of key and JSON.
    private static ProtoMessage items(Map<String, ?> values) {
        var record = new ProtoMessage();
        values.forEach((key, value) -> record.message(1, item(key, value)));
        return record;
    }

    private static ProtoMessage item(String key, Object value) {
        try {
            return new ProtoMessage().text(1, key).text(16, json(value));
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Writes a value as Python does: NaN and infinities stand bare.
    private static String json(Object value) throws JsonProcessingException {
        if (value instanceof Double d) {
            if (d == Math.rint(d) && Math.abs(d) < 1e15) {
                return String.valueOf(d.longValue());
            }
            return String.valueOf(d);
        }
        return Json.MAPPER.writeValueAsString(value);
    }

    @Override
    public void log(List<TrackedPoint> points) throws IOException {
        for (TrackedPoint point : points) {
            Map<String, Double> curves = point.curves();
            if (!curves.isEmpty()) {
                log.orElseThrow().append(2, history(point, curves));
            }
            summary.putAll(curves);
            point.metrics().forEach(this::total);
        }
    }

    private void total(String key, Double value) {
        if (TrackedPoint.TOTALS.contains(key)) {
            summary.put(key, value);
        }
    }

    private ProtoMessage history(TrackedPoint point, Map<String, Double> curves) {
        var all = new LinkedHashMap<String, Object>(curves);
        all.put("_step", point.index());
        all.put("_timestamp", point.time().toEpochMilli() / 1e3);
        all.put("_runtime", seconds(point.time()));
        return items(all).message(2, new ProtoMessage().varint(1, point.index()));
    }

    private double seconds(Instant time) {
        return Duration.between(started, time).toMillis() / 1e3;
    }

    @Override
    public void close(RunEnd end) throws IOException {
        WandbLog file = log.orElseThrow();
        file.append(3, items(summary));
        long runtime = Math.max(0, Duration.between(started, Instant.now()).toSeconds());
        file.append(
                18, new ProtoMessage().varint(1, end == RunEnd.FAILED ? 1 : 0).varint(2, runtime));
        file.close();
    }
}
