package org.attune.trainers.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;

import org.attune.checkpoint.Checkpoint;
import org.attune.error.CheckpointException;
import org.attune.files.AtomicFile;
import org.attune.json.Json;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.TrainingListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// `metrics.jsonl`: one object for each logged step and each evaluation, in order, with `step` and
/// `epoch` first. A line is appended in one write; before a checkpoint becomes visible, all of them
/// are forced to the disk. The file of a resumed run begins with the lines that its checkpoint
/// counts, each once, whatever a kill or a power cut left of them: the checkpoint knows them too.
public final class MetricsFile implements TrainingListener {
    public static final String NAME = "metrics.jsonl";

    private static final Logger LOG = LoggerFactory.getLogger(MetricsFile.class);

    /// Spellings by which a checkpoint holds what isn't finite.
    private static final Set<String> NOT_FINITE = Set.of("NaN", "Infinity", "-Infinity");

    private static final TypeReference<LinkedHashMap<String, Object>> OBJECT =
            new TypeReference<>() {};

    private final Path file;
    private double stepsPerEpoch = Double.NaN;
    private List<Map<String, Object>> history = List.of();

    /// @param outputDir the run's folder; the file is made at the start of the run
    public MetricsFile(Path outputDir) {
        this.file = outputDir.resolve(NAME);
    }

    /// The whole lines of a metrics file; a last line that was cut short is left out.
    ///
    /// @return empty if there is no such file
    public static List<Map<String, Object>> read(Path file) throws IOException {
        List<Map<String, Object>> entries = new ArrayList<>();
        if (!Files.exists(file)) {
            return entries;
        }
        String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        int start = 0;
        for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
            Optional<Map<String, Object>> entry = parse(text.substring(start, end));
            if (entry.isEmpty()) {
                return entries;
            }
            entries.add(entry.get());
            start = end + 1;
        }
        return entries;
    }

    private static Optional<Map<String, Object>> parse(String line) {
        try {
            return Optional.ofNullable(Json.MAPPER.readValue(line, OBJECT));
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    @Override
    public void onResume(Path checkpoint) {
        history = Checkpoint.stateIn(checkpoint).logHistory();
    }

    @Override
    public void onStart(RunInfo info) {
        stepsPerEpoch = info.stepsPerEpoch();
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            var lines = new StringBuilder();
            List<Object> steps = new ArrayList<>();
            for (Map<String, Object> logged : history) {
                Map<String, Object> metrics = new LinkedHashMap<>(logged);
                Object step = metrics.remove(MetricKeys.STEP);
                steps.add(step);
                lines.append(line(((Number) step).intValue(), metrics));
            }
            tellOfMissing(steps);
            AtomicFile.writeText(file, lines.toString());
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /// Says which lines a power cut, or someone, took from the file.
    private void tellOfMissing(List<Object> steps) throws IOException {
        List<Object> missing = new ArrayList<>(steps);
        for (Map<String, Object> entry : read(file)) {
            missing.remove(entry.get(MetricKeys.STEP));
        }
        if (!missing.isEmpty()) {
            LOG.info(
                    "{} lacks lines of steps {}; they are written again from the checkpoint",
                    file,
                    missing.stream().map(String::valueOf).collect(Collectors.joining(", ")));
        }
    }

    /// The checkpoint counts the lines, so they must outlive whatever it outlives.
    @Override
    public void onSave(int step, Path checkpoint) {
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    @Override
    public void onLog(int step, Map<String, Object> metrics) {
        append(step, metrics);
    }

    @Override
    public void onTotals(int step, Map<String, Object> totals) {
        append(step, totals);
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        append(step, metrics);
    }

    private void append(int step, Map<String, Object> metrics) {
        try (var channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.APPEND)) {
            ByteBuffer line = ByteBuffer.wrap(line(step, metrics).getBytes(StandardCharsets.UTF_8));
            while (line.hasRemaining()) {
                channel.write(line);
            }
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private String line(int step, Map<String, Object> metrics) throws JsonProcessingException {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put(MetricKeys.STEP, step);
        if (stepsPerEpoch > 0) {
            entry.put(MetricKeys.EPOCH, step / stepsPerEpoch);
        }
        metrics.forEach((key, value) -> entry.put(key, finite(value)));
        return Json.inUtf8(Json.MAPPER.writeValueAsString(entry)) + "\n";
    }

    /// JSON has no NaN and no infinity.
    private static Object finite(Object value) {
        return switch (value) {
            case Number n when !Double.isFinite(n.doubleValue()) -> null;
            case String text when NOT_FINITE.contains(text) -> null;
            case null, default -> value;
        };
    }

    private CheckpointException unwritable(IOException e) {
        return new CheckpointException(
                file + " cannot be written: " + e + "; free space or choose another output_dir", e);
    }
}
