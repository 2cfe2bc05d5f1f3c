package org.attune.checkpoint;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;

import org.attune.error.CheckpointException;
import org.attune.files.TensorFile;
import org.attune.files.WrittenHashes;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// A whole checkpoint on disk.
///
/// @param folder where it stands
/// @param step optimizer steps done when it was written
public record Checkpoint(Path folder, int step) {
    /// The optimizer's state.
    public static final String OPTIMIZER = "optimizer.safetensors";

    static final String STATE = "run_state.json";
    static final String TRAINER_STATE = "trainer_state.json";

    private static final Pattern OPTIONAL = Pattern.compile("^Optional(?:Int|Long)\\[(.*)]$");

    /// A state that lacks a field is none.
    private static final ObjectReader STATES =
            Json.MAPPER
                    .readerFor(RunState.class)
                    .with(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
                    .with(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES);

    /// Opens a checkpoint after it has read and compared all of its files.
    ///
    /// @throws CheckpointException if the folder is none, or something of it is missing or differs
    public static Checkpoint open(Path folder) {
        Optional<String> damage = damage(folder, true);
        if (damage.isPresent()) {
            throw new CheckpointException(
                    "%s is no whole checkpoint: %s; resume: true takes the newest whole one"
                            .formatted(folder, damage.get()));
        }
        return ofWhole(folder);
    }

    /// The checkpoint in a folder in which nothing was found to be wrong.
    static Checkpoint ofWhole(Path folder) {
        return new Checkpoint(folder, FileList.read(folder).step());
    }

    /// Opens what looks like a checkpoint, for its state alone; who takes more of it opens it with
    /// [#open].
    ///
    /// @return empty if the folder is none, or if a file is missing or has another size
    public static Optional<Checkpoint> glance(Path folder) {
        return damage(folder, false).isPresent() ? Optional.empty() : Optional.of(ofWhole(folder));
    }

    /// What is wrong with a folder as a checkpoint; empty if nothing.
    ///
    /// @param contents whether files are compared, not only their sizes
    static Optional<String> damage(Path folder, boolean contents) {
        try {
            FileList list = FileList.read(folder);
            Optional<String> damage = list.damage(folder, contents);
            int step = damage.isEmpty() ? stateIn(folder).step() : list.step();
            return step == list.step()
                    ? damage
                    : Optional.of(
                            "%s is of step %d, %s of step %d"
                                    .formatted(STATE, step, FileList.NAME, list.step()));
        } catch (CheckpointException e) {
            return Optional.of(e.getMessage());
        }
    }

    /// Writes the list of a folder's files; the last thing before a checkpoint becomes visible.
    static void seal(Path folder, int step, WrittenHashes written) throws IOException {
        Files.writeString(folder.resolve(FileList.NAME), FileList.of(folder, step, written).json());
    }

    /// Where the run stood.
    public RunState state() {
        return stateIn(folder);
    }

    /// The state in a folder that was opened as a checkpoint before.
    ///
    /// @throws CheckpointException if there is none
    public static RunState stateIn(Path folder) {
        Path file = folder.resolve(STATE);
        try {
            RunState state = STATES.readValue(readJson(file));
            if (state == null) {
                throw new CheckpointException(file + " isn't a run's state: it is empty");
            }
            return state;
        } catch (IOException e) {
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
    /// @param free keys that may differ
    /// @return what differs, a line each
    /// @throws CheckpointException naming every difference of the other keys
    public List<String> requireSameRun(Map<String, String> identity, Set<String> free) {
        Map<String, String> saved = state().identity();
        var keys = new TreeSet<>(saved.keySet());
        keys.addAll(identity.keySet());
        List<String> borne = new ArrayList<>();
        List<String> differences = new ArrayList<>();
        for (String key : keys) {
            String before = saved.getOrDefault(key, "absent");
            String now = identity.getOrDefault(key, "absent");
            if (!before.equals(now)) {
                (free.contains(key) ? borne : differences)
                        .add(
                                "%s: %s in the checkpoint, now %s"
                                        .formatted(key, shown(before), shown(now)));
            }
        }
        if (!differences.isEmpty()) {
            throw new CheckpointException(
                    """
                    %s is of another run, so it can't be continued with the same numbers:
                      %s
                    Restore these settings; or begin a new run with what was learnt, by \
                    adapter_name_or_path: %s (model_name_or_path, where all weights were trained), \
                    resume: false and another output_dir.\
                    """
                            .formatted(folder, String.join("\n  ", differences), folder));
        }
        return borne;
    }

    /// A value that may be unset, without the name of its type.
    private static String shown(String value) {
        return value.equals("OptionalInt.empty") || value.equals("OptionalLong.empty")
                ? "unset"
                : OPTIONAL.matcher(value).replaceFirst("$1");
    }

    static JsonNode readJson(Path file) {
        try {
            return Json.tree(Files.readString(file));
        } catch (IOException e) {
            throw new CheckpointException("%s can't be read: %s".formatted(file, e), e);
        }
    }
}
