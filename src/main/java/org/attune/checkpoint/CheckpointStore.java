package org.attune.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.CheckpointException;
import org.attune.files.AtomicFolder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The checkpoints of one run, `checkpoint-N` in its output folder.
public final class CheckpointStore {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointStore.class);
    private static final Pattern NAME = Pattern.compile("checkpoint-(\\d{1,9})");

    private final Path outputDir;
    private final OptionalInt limit;

    /// @param outputDir the run's folder; created when the first checkpoint is written
    /// @param limit how many checkpoints are kept, the newest; empty: all
    public CheckpointStore(Path outputDir, OptionalInt limit) {
        if (limit.isPresent() && limit.getAsInt() < 1) {
            throw new IllegalArgumentException(
                    "save_total_limit must be >= 1, got " + limit.getAsInt());
        }
        this.outputDir = outputDir;
        this.limit = limit;
    }

    /// Writes files into a folder that is not visible yet.
    @FunctionalInterface
    public interface Content {
        void writeTo(Path folder) throws IOException;
    }

    /// Writes a checkpoint, then deletes the oldest ones beyond the limit.
    ///
    /// @param state where the run stands
    /// @param maxSteps steps of the whole run
    /// @param epoch passes over the data done
    /// @param content writes model and optimizer
    /// @throws CheckpointException if it can't be written; earlier checkpoints are as they were
    public Checkpoint save(RunState state, int maxSteps, double epoch, Content content) {
        Path target = outputDir.resolve("checkpoint-" + state.step());
        try (AtomicFolder folder = AtomicFolder.create(target)) {
            content.writeTo(folder.path());
            Files.writeString(
                    folder.path().resolve(Checkpoint.STATE),
                    Checkpoint.JSON.writeValueAsString(state));
            Files.writeString(
                    folder.path().resolve(Checkpoint.TRAINER_STATE),
                    trainerState(state, maxSteps, epoch));
            Checkpoint.seal(folder.path(), state.step());
            folder.commit();
        } catch (IOException e) {
            throw new CheckpointException(
                    "%s can't be written: %s; free space or choose another output_dir"
                            .formatted(target, e),
                    e);
        }
        prune();
        return new Checkpoint(target, state.step());
    }

    /// transformers' `trainer_state.json`, as far as it applies.
    public static String trainerState(RunState state, int maxSteps, double epoch) {
        ObjectNode json = Checkpoint.JSON.createObjectNode();
        json.put("global_step", state.step());
        json.put("max_steps", maxSteps);
        json.put("epoch", epoch);
        json.put("num_input_tokens_seen", state.tokens());
        json.putNull("best_metric");
        json.putNull("best_model_checkpoint");
        json.put("is_local_process_zero", true);
        json.put("is_world_process_zero", true);
        json.set("log_history", Checkpoint.JSON.valueToTree(state.logHistory()));
        return json.toPrettyString();
    }

    /// The newest checkpoint that is whole; damaged ones are passed over with a warning.
    public Optional<Checkpoint> newest() {
        List<Path> folders = folders();
        for (Path folder : folders.reversed()) {
            Optional<String> damage = Checkpoint.damage(folder);
            if (damage.isEmpty()) {
                return Optional.of(Checkpoint.open(folder));
            }
            LOG.warn("{} is passed over, it is no whole checkpoint: {}", folder, damage.get());
        }
        return Optional.empty();
    }

    private void prune() {
        List<Path> folders = folders();
        int surplus = folders.size() - limit.orElse(folders.size());
        for (Path folder : folders.subList(0, Math.max(0, surplus))) {
            try {
                AtomicFolder.deleteWhole(folder);
            } catch (IOException e) {
                LOG.warn("the old checkpoint {} can't be deleted: {}", folder, e.toString());
            }
        }
    }

    /// `checkpoint-N` folders, oldest first.
    private List<Path> folders() {
        if (!Files.isDirectory(outputDir)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(outputDir)) {
            List<Path> folders = new ArrayList<>(entries.filter(p -> number(p) >= 0).toList());
            folders.sort(Comparator.comparingInt(CheckpointStore::number));
            return folders;
        } catch (IOException e) {
            throw new CheckpointException(outputDir + " can't be listed: " + e, e);
        }
    }

    private static int number(Path folder) {
        Matcher name = NAME.matcher(folder.getFileName().toString());
        return name.matches() && Files.isDirectory(folder) ? Integer.parseInt(name.group(1)) : -1;
    }
}
