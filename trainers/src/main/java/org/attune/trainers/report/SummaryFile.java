package org.attune.trainers.report;

import org.attune.error.CheckpointException;
import org.attune.files.AtomicFile;
import org.attune.json.Json;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;

/// `summary.json`: what came of the run. `heldout` is null if nothing was evaluated; numbers that
/// were not measured or are not finite are null.
public final class SummaryFile implements TrainingListener {
    public static final String NAME = "summary.json";

    private final Path file;

    /// @param outputDir the run's folder
    public SummaryFile(Path outputDir) {
        this.file = outputDir.resolve(NAME);
    }

    @Override
    public void onEnd(RunSummary summary) {
        try {
            AtomicFile.writeText(file, Json.INDENTED.writeValueAsString(fields(summary)) + "\n");
        } catch (IOException e) {
            throw new CheckpointException(
                    file + " cannot be written: " + e + "; free space in output_dir", e);
        }
    }

    static Map<String, Object> fields(RunSummary summary) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("heldout", summary.heldout().map(SummaryFile::heldout).orElse(null));
        fields.put("steps", summary.steps());
        fields.put("interrupted", summary.interrupted());
        fields.put("seconds", summary.secondsByPhase());
        fields.put("tokens_per_second", number(OptionalDouble.of(summary.tokensPerSecond())));
        fields.put("peak_memory_bytes", summary.peakMemoryBytes());
        if (!summary.peakDeviceBytes().isEmpty()) {
            fields.put("peak_device_bytes", summary.peakDeviceBytes());
        }
        return fields;
    }

    private static Map<String, Object> heldout(RunSummary.Heldout heldout) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("metric", heldout.metric());
        fields.put("n", heldout.n());
        fields.put("before", number(heldout.before()));
        fields.put("after", number(heldout.after()));
        return fields;
    }

    private static Double number(OptionalDouble value) {
        return value.isPresent() && Double.isFinite(value.getAsDouble())
                ? value.getAsDouble()
                : null;
    }
}
