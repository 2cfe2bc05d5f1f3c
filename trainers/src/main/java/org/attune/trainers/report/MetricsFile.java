package org.attune.trainers.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.error.CheckpointException;
import org.attune.files.AtomicFile;
import org.attune.trainers.MetricKeys;
import org.attune.trainers.RunInfo;
import org.attune.trainers.TrainingListener;

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

/// `metrics.jsonl`: one object for each logged step and each evaluation, in order, with `step` and
/// `epoch` first. A line is appended in one write. When a run is resumed, what was logged after its
/// checkpoint is taken out first, and so is a line that a kill cut short.
public final class MetricsFile implements TrainingListener {
    public static final String NAME = "metrics.jsonl";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<LinkedHashMap<String, Object>> OBJECT =
            new TypeReference<>() {};

    private final Path file;
    private double stepsPerEpoch = Double.NaN;

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
            return Optional.of(JSON.readValue(line, OBJECT));
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    @Override
    public void onStart(RunInfo info) {
        stepsPerEpoch = info.stepsPerEpoch();
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            var kept = new StringBuilder();
            List<Map<String, Object>> before = read(file);
            for (var entry : before.subList(0, Math.min(before.size(), info.logged()))) {
                kept.append(JSON.writeValueAsString(entry)).append('\n');
            }
            AtomicFile.writeText(file, kept.toString());
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    @Override
    public void onLog(int step, Map<String, Object> metrics) {
        append(step, metrics);
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        append(step, metrics);
    }

    private void append(int step, Map<String, Object> metrics) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put(MetricKeys.STEP, step);
        if (stepsPerEpoch > 0) {
            entry.put(MetricKeys.EPOCH, step / stepsPerEpoch);
        }
        metrics.forEach((key, value) -> entry.put(key, finite(value)));
        try (var channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.APPEND)) {
            ByteBuffer line =
                    ByteBuffer.wrap(
                            (JSON.writeValueAsString(entry) + "\n")
                                    .getBytes(StandardCharsets.UTF_8));
            while (line.hasRemaining()) {
                channel.write(line);
            }
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /// JSON has no NaN and no infinity.
    private static Object finite(Object value) {
        boolean finite = !(value instanceof Number n) || Double.isFinite(n.doubleValue());
        return finite ? value : null;
    }

    private CheckpointException unwritable(IOException e) {
        return new CheckpointException(
                file + " cannot be written: " + e + "; free space or choose another output_dir", e);
    }
}
