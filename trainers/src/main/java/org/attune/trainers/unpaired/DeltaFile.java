package org.attune.trainers.unpaired;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.CheckpointException;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// BCO's reward shift in a checkpoint: `running.json`, TRL's file, of which `mean` and `count` are
/// all that training reads. Numbers come back to the last bit.
final class DeltaFile {
    private static final String NAME = "running.json";

    private DeltaFile() {}

    static void write(Path folder, RunningMean delta) throws IOException {
        var fields = Json.object();
        fields.put("count", delta.count()).put("mean", delta.mean());
        Files.writeString(folder.resolve(NAME), fields + "\n");
    }

    /// @throws CheckpointException if the file is missing or holds something else
    static RunningMean read(Path folder) {
        Path file = folder.resolve(NAME);
        try {
            JsonNode fields = Json.tree(Files.readString(file));
            return new RunningMean(
                    fields.required("mean").asDouble(), fields.required("count").asLong());
        } catch (IOException | IllegalArgumentException e) {
            throw new CheckpointException(
                    "%s can't be read: %s; resume from another checkpoint".formatted(file, e), e);
        }
    }
}
