package org.attune.trainers.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.files.AtomicFile;
import org.attune.json.Json;
import org.attune.trainers.loop.PhaseClock;
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
import java.util.Optional;
import java.util.function.Supplier;

/// `phases.json`: time and the largest resident memory of each phase, as far as it was seen. Where
/// the process's peak rose within a phase, its memory is the peak, else that at its beginning or
/// end. Unlike `summary.json` the file is there after a failure too. One that can't be written is
/// told, and the run goes on.
public final class PhasesFile implements TrainingListener {
    public static final String NAME = "phases.json";

    private static final Logger LOG = LoggerFactory.getLogger(PhasesFile.class);
    private static final String MEMORY = "memory_bytes";
    private static final String SECONDS = "seconds";

    /// A phase that is entered more often is looked at no more: thousands of steps are alike, and
    /// looking takes some hundredths of a millisecond.
    private static final int LOOKS = 2000;

    private final Path file;
    private final Supplier<ProcessMemory.Resident> memory;
    private final Map<String, Long> largest = new LinkedHashMap<>();
    private final Map<String, Integer> looks = new LinkedHashMap<>();
    private Map<String, Double> seconds = Map.of();
    private Optional<PhaseClock> clock = Optional.empty();
    private String current = "";
    private boolean ended;
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
    public void onStep(int step, long tokens, PhaseClock phases) {
        clock = Optional.of(phases);
    }

    @Override
    public void onEnd(RunSummary summary) {
        seconds = summary.secondsByPhase();
        clock = Optional.empty();
        ended = true;
        write();
    }

    /// Writes what was seen so far, if the run failed before its end.
    public void settle() {
        if (!ended) {
            write();
        }
    }

    private void write() {
        ObjectNode fields = Json.object();
        ObjectNode times = fields.putObject(SECONDS);
        clock.map(PhaseClock::seconds).orElse(seconds).forEach(times::put);
        ObjectNode bytes = fields.putObject(MEMORY);
        largest.forEach(bytes::put);
        try {
            AtomicFile.writeText(file, Json.pretty(fields));
        } catch (IOException e) {
            LOG.warn("{} can't be written: {}", file, e.toString());
        }
    }

    /// What a file says.
    ///
    /// @param seconds by phase
    /// @param bytes largest memory by phase
    public record Phases(Map<String, Double> seconds, Map<String, Double> bytes) {}

    /// @return without phases if there is no such file
    public static Phases read(Path file) throws IOException {
        JsonNode fields = Files.exists(file) ? Json.tree(Files.readString(file)) : Json.object();
        return new Phases(numbers(fields.path(SECONDS)), numbers(fields.path(MEMORY)));
    }

    private static Map<String, Double> numbers(JsonNode fields) {
        Map<String, Double> numbers = new LinkedHashMap<>();
        fields.properties().forEach(f -> numbers.put(f.getKey(), f.getValue().asDouble()));
        return numbers;
    }
}
