package org.attune.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.CheckpointException;
import org.attune.files.SafeTensorsFile;
import org.attune.files.TensorFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// A whole checkpoint on disk.
///
/// @param folder where it stands
/// @param step optimizer steps done when it was written
public record Checkpoint(Path folder, int step) {
    /// The optimizer's state.
    public static final String OPTIMIZER = "optimizer.safetensors";

    static final String STATE = "run_state.json";
    static final String TRAINER_STATE = "trainer_state.json";
    static final String CONTENTS = "checkpoint.json";
    private static final int FORMAT = 1;

    static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /// Opens a checkpoint.
    ///
    /// @throws CheckpointException if the folder is none, or something of it is missing
    public static Checkpoint open(Path folder) {
        Optional<String> damage = damage(folder);
        if (damage.isPresent()) {
            throw new CheckpointException(
                    "%s is no whole checkpoint: %s; resume: true takes the newest whole one"
                            .formatted(folder, damage.get()));
        }
        return new Checkpoint(folder, contents(folder).path("step").asInt());
    }

    /// What is wrong with a folder as a checkpoint; empty if nothing.
    static Optional<String> damage(Path folder) {
        JsonNode contents;
        try {
            contents = contents(folder);
        } catch (CheckpointException e) {
            return Optional.of(e.getMessage());
        }
        if (contents.path("format").asInt() != FORMAT) {
            return Optional.of("its format is %s, not 1".formatted(contents.path("format")));
        }
        for (Map.Entry<String, JsonNode> file : contents.path("files").properties()) {
            Path path = folder.resolve(file.getKey());
            try {
                if (Files.size(path) != file.getValue().asLong()) {
                    return Optional.of(
                            "%s has %d bytes, not %s"
                                    .formatted(file.getKey(), Files.size(path), file.getValue()));
                }
            } catch (IOException e) {
                return Optional.of(file.getKey() + " can't be read");
            }
        }
        return Optional.empty();
    }

    private static JsonNode contents(Path folder) {
        return readJson(folder.resolve(CONTENTS));
    }

    /// Writes the list of a folder's files; the last thing before a checkpoint becomes visible.
    static void seal(Path folder, int step) throws IOException {
        var sizes = new TreeMap<String, Long>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                sizes.put(folder.relativize(file).toString().replace('\\', '/'), Files.size(file));
            }
        }
        ObjectNode contents = JSON.createObjectNode();
        contents.put("format", FORMAT).put("step", step);
        ObjectNode files = contents.putObject("files");
        sizes.forEach(files::put);
        Files.writeString(folder.resolve(CONTENTS), contents.toPrettyString());
    }

    /// Where the run stood.
    public RunState state() {
        Path file = folder.resolve(STATE);
        try {
            return JSON.treeToValue(readJson(file), RunState.class);
        } catch (JsonProcessingException e) {
            throw new CheckpointException(file + " isn't a run's state: " + e.getMessage(), e);
        }
    }

    /// The optimizer's state; the caller closes it.
    public TensorFile optimizer() {
        return SafeTensorsFile.open(folder.resolve(OPTIMIZER));
    }

    /// Checks that the checkpoint is of the same run.
    ///
    /// @param identity as in [RunState#identity]
    /// @throws CheckpointException naming every difference
    public void requireSameRun(Map<String, String> identity) {
        Map<String, String> saved = state().identity();
        var keys = new TreeSet<>(saved.keySet());
        keys.addAll(identity.keySet());
        List<String> differences = new ArrayList<>();
        for (String key : keys) {
            String before = saved.getOrDefault(key, "absent");
            String now = identity.getOrDefault(key, "absent");
            if (!before.equals(now)) {
                differences.add("  %s: %s in the checkpoint, now %s".formatted(key, before, now));
            }
        }
        if (!differences.isEmpty()) {
            throw new CheckpointException(
                    """
                    %s is of another run, so it can't be continued with the same numbers:
                    %s
                    Restore these settings, or start anew with resume: false and another \
                    output_dir.\
                    """
                            .formatted(folder, String.join("\n", differences)));
        }
    }

    private static JsonNode readJson(Path file) {
        try {
            return JSON.readTree(Files.readString(file));
        } catch (IOException e) {
            throw new CheckpointException(file + " can't be read: " + e, e);
        }
    }
}
