package org.attune.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.CheckpointException;
import org.attune.error.ModelException;
import org.attune.files.AtomicFolder;
import org.attune.files.WrittenHashes;
import org.attune.json.Json;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
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
        return save(state, maxSteps, epoch, Optional.empty(), content);
    }

    /// Saves a checkpoint of a run that compares evaluations. The best checkpoint is not deleted.
    ///
    /// @param best the best evaluation so far; empty if there is none
    public Checkpoint save(
            RunState state,
            int maxSteps,
            double epoch,
            Optional<BestEvaluation> best,
            Content content) {
        Path target = folder(state.step());
        String trainerState = trainerState(state, maxSteps, epoch, best);
        var written = new WrittenHashes();
        written.during(() -> write(target, state, trainerState, content, written));
        prune(best.map(BestEvaluation::checkpoint).orElse(OptionalInt.empty()));
        return new Checkpoint(target, state.step());
    }

    /// Opens the checkpoint of a step.
    ///
    /// @throws CheckpointException if it is missing or damaged
    public Checkpoint of(int step) {
        return Checkpoint.open(folder(step));
    }

    private Path folder(int step) {
        return outputDir.resolve("checkpoint-" + step);
    }

    /// Deletes what a finished run has beside its best checkpoint, where one is kept.
    ///
    /// @param best its step
    public void finish(int best) {
        if (limit.equals(OptionalInt.of(1))) {
            folders().stream().filter(folder -> number(folder) != best).forEach(this::delete);
        }
    }

    private static void write(
            Path target,
            RunState state,
            String trainerState,
            Content content,
            WrittenHashes written) {
        try (AtomicFolder folder = AtomicFolder.create(target)) {
            content.writeTo(folder.path());
            Files.writeString(
                    folder.path().resolve(Checkpoint.STATE),
                    Json.inUtf8(Json.INDENTED.writeValueAsString(state)));
            Files.writeString(folder.path().resolve(Checkpoint.TRAINER_STATE), trainerState);
            Checkpoint.seal(folder.path(), state.step(), written);
            folder.commit();
        } catch (IOException e) {
            throw unwritable(target, e);
        } catch (ModelException e) { // of weights, which names a file in a hidden folder
            throw e.getCause() instanceof IOException cause ? unwritable(target, cause) : e;
        }
    }

    private static CheckpointException unwritable(Path target, IOException e) {
        return new CheckpointException(
                "%s can't be written: %s; free space or choose another output_dir"
                        .formatted(target, e),
                e);
    }

    /// transformers' `trainer_state.json`, as far as it applies.
    ///
    /// @param best the best evaluation so far; empty if there is none
    public static String trainerState(
            RunState state, int maxSteps, double epoch, Optional<BestEvaluation> best) {
        ObjectNode json = Json.object();
        json.put("global_step", state.step());
        json.put("max_steps", maxSteps);
        json.put("epoch", epoch);
        json.put("num_input_tokens_seen", state.tokens());
        json.put("best_metric", best.map(BestEvaluation::metric).orElse(null));
        json.put("best_global_step", best.map(BestEvaluation::step).orElse(null));
        OptionalInt kept = best.map(BestEvaluation::checkpoint).orElse(OptionalInt.empty());
        json.put(
                "best_model_checkpoint", kept.isPresent() ? "checkpoint-" + kept.getAsInt() : null);
        json.put("is_local_process_zero", true);
        json.put("is_world_process_zero", true);
        json.set("log_history", Json.MAPPER.valueToTree(state.logHistory()));
        return Json.inUtf8(json.toPrettyString());
    }

    /// The newest checkpoint that is whole, all of its files read and compared; damaged ones are
    /// passed over with a warning. Empty if there are none at all.
    ///
    /// @throws CheckpointException if there are some, but none is whole
    public Optional<Checkpoint> newest() {
        List<Path> folders = folders();
        List<String> damages = new ArrayList<>();
        for (Path folder : folders.reversed()) {
            Optional<String> damage = Checkpoint.damage(folder, true);
            if (damage.isEmpty()) {
                return Optional.of(Checkpoint.ofWhole(folder));
            }
            LOG.warn("{} is passed over, it is no whole checkpoint: {}", folder, damage.get());
            damages.add("  %s: %s".formatted(folder.getFileName(), damage.get()));
        }
        if (!damages.isEmpty()) {
            throw new CheckpointException(
                    """
                    %s has no whole checkpoint to resume from:
                    %s
                    Restore one from a copy, or begin anew with resume: false, which moves what \
                    is there aside.\
                    """
                            .formatted(outputDir, String.join("\n", damages)));
        }
        return Optional.empty();
    }

    /// The newest one that looks whole, for its state alone ([Checkpoint#glance]).
    public Optional<Checkpoint> glance() {
        return folders().reversed().stream()
                .map(Checkpoint::glance)
                .flatMap(Optional::stream)
                .findFirst();
    }

    /// Deletes checkpoints as transformers does: the newest and the best one stay, of the others
    /// the newest ones.
    private void prune(OptionalInt best) {
        List<Path> folders = folders();
        var kept = new HashSet<Path>(List.of(folders.getLast()));
        best.ifPresent(step -> kept.add(folder(step)));
        int remaining = folders.size();
        int most = Math.max(limit.orElse(remaining), kept.size());
        for (Path folder : folders) {
            if (remaining > most && !kept.contains(folder)) {
                delete(folder);
                remaining--;
            }
        }
    }

    private void delete(Path folder) {
        try {
            AtomicFolder.deleteWhole(folder);
        } catch (IOException e) {
            LOG.warn("the old checkpoint {} can't be deleted: {}", folder, e.toString());
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
