package org.attune.trainers.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.files.AtomicFile;
import org.attune.files.PrettyJson;
import org.attune.trainers.loop.ProcessMemory;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/// `phases.json`: the largest resident memory of each phase, as far as it was seen: where the
/// process's peak rose within a phase, the peak; else the memory at its beginning or end. A file
/// that can't be written is told, and the run goes on.
public final class PhasesFile implements TrainingListener {
    public static final String NAME = "phases.json";

    private static final Logger LOG = LoggerFactory.getLogger(PhasesFile.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String MEMORY = "memory_bytes";

    /// A phase that is entered more often is looked at no more: thousands of steps are alike, and
    /// looking takes some hundredths of a millisecond.
    private static final int LOOKS = 2000;

    private final Path file;
    private final Supplier<ProcessMemory.Resident> memory;
    private final Map<String, Long> largest = new LinkedHashMap<>();
    private final Map<String, Integer> looks = new LinkedHashMap<>();
    private String current = "";
    private ProcessMemory.Resident before = new ProcessMemory.Resident(0, 0);

    /// @param outputDir the run's folder
    public PhasesFile(Path outputDir) {
        this(outputDir, ProcessMemory::resident);
    }

    /// @param memory what the process has now
    PhasesFile(Path outputDir, Supplier<ProcessMemory.Resident> memory) {
        file = outputDir.resolve(NAME);
        this.memory = memory;
    }

    @Override
    public void onPhase(String phase, boolean evaluating) {
        boolean looked = !current.isEmpty() && looks.merge(current, 1, Integer::sum) <= LOOKS;
        if (looked || looks.getOrDefault(phase, 0) < LOOKS) {
            ProcessMemory.Resident now = memory.get();
            if (looked) {
                boolean rose = now.peak() > before.peak();
                long seen = rose ? now.peak() : Math.max(now.now(), before.now());
                largest.merge(current, seen, Math::max);
            }
            before = now;
        }
        current = phase;
    }

    @Override
    public void onEnd(RunSummary summary) {
        write();
    }

    /// Writes what was seen so far, for runs that end before their last step.
    public void write() {
        ObjectNode fields = JSON.createObjectNode();
        ObjectNode bytes = fields.putObject(MEMORY);
        largest.forEach(bytes::put);
        try {
            AtomicFile.writeText(file, PrettyJson.text(fields));
        } catch (IOException e) {
            LOG.warn("{} can't be written: {}", file, e.toString());
        }
    }

    /// Bytes by phase.
    ///
    /// @return empty if there is no such file
    public static Map<String, Double> memory(Path file) throws IOException {
        Map<String, Double> bytes = new LinkedHashMap<>();
        if (Files.exists(file)) {
            JsonNode fields = JSON.readTree(Files.readString(file)).path(MEMORY);
            fields.properties().forEach(f -> bytes.put(f.getKey(), f.getValue().asDouble()));
        }
        return bytes;
    }
}
