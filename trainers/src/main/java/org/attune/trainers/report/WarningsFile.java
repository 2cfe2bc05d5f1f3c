package org.attune.trainers.report;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.TrainingListener;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// `warnings.jsonl`: what a run warned of, a line each. A resumed run adds to it. Warnings that
/// come before the run begins are kept until then; those that can't be written are lost.
public final class WarningsFile implements TrainingListener {
    public static final String NAME = "warnings.jsonl";

    /// More lines tell nobody anything, and a warning at each step must not fill the disk.
    private static final int MOST = 1000;

    private final Path file;
    private final List<Warning> waiting = new ArrayList<>();
    private boolean begun;
    private int written;

    /// A warning.
    ///
    /// @param time when it was logged
    /// @param level `WARN` or `ERROR`
    public record Warning(Instant time, String level, String message) {
        String json() {
            return Json.object()
                    .put("time", time.toString())
                    .put("level", level)
                    .put("message", message)
                    .toString();
        }
    }

    /// @param outputDir the run's folder
    public WarningsFile(Path outputDir) {
        file = outputDir.resolve(NAME);
    }

    @Override
    public synchronized void onStart(RunInfo info) {
        begun = true;
        waiting.forEach(this::append);
        waiting.clear();
    }

    /// Notes a warning, on any thread.
    public synchronized void add(Warning warning) {
        if (begun) {
            append(warning);
        } else if (waiting.size() < MOST) {
            waiting.add(warning);
        }
    }

    private void append(Warning warning) {
        if (written++ >= MOST) {
            return;
        }
        try {
            Files.write(
                    file,
                    (warning.json() + "\n").getBytes(StandardCharsets.UTF_8),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            written = MOST; // a warning about warnings would come back here
        }
    }

    /// The warnings of a file; a last line that was cut short is left out.
    ///
    /// @return empty if there is no such file
    public static List<Warning> read(Path file) throws IOException {
        List<Warning> warnings = new ArrayList<>();
        if (Files.exists(file)) {
            for (String line : Files.readString(file).split("\n")) {
                if (line.endsWith("}")) {
                    JsonNode node = Json.tree(line);
                    warnings.add(
                            new Warning(
                                    Instant.parse(node.path("time").asText()),
                                    node.path("level").asText(),
                                    node.path("message").asText()));
                }
            }
        }
        return warnings;
    }
}
