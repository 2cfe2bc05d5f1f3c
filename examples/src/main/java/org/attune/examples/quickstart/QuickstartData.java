package org.attune.examples.quickstart;

import org.attune.reward.task.Split;
import org.attune.reward.task.Task;
import org.attune.reward.task.TaskRows;
import org.attune.reward.task.Tasks;

import java.io.IOException;
import java.nio.file.Path;

/// Writes the quickstart's data, which is committed in `examples/quickstart`: run it with
/// `./attune example quickstart.QuickstartData examples/quickstart`.
///
/// What is held out shares no prompt with the rest, nor with what the embedded model was trained
/// on: see [Split].
public final class QuickstartData {
    private static final int PROMPTS = 2_000;
    private static final int PAIR_PROBLEMS = 1_600;
    private static final int HELD_OUT = 400;

    /// Each file is drawn with its own seed.
    private static final long PROMPT_SEED = 1;

    private static final long PAIR_SEED = 2;

    private QuickstartData() {}

    /// Writes the files.
    ///
    /// @param args the folder
    public static void main(String[] args) throws IOException {
        if (args.length != 1) {
            throw new IllegalArgumentException("one argument is needed: the folder to write to");
        }
        write(Path.of(args[0]));
    }

    /// `prompts.jsonl` with the answers, for GRPO; `pairs.jsonl` and `pairs-heldout.jsonl`, right
    /// against careless, for DPO; `heldout.jsonl`, prompts with the answers that measure both.
    static void write(Path folder) throws IOException {
        Task task = Tasks.of(ModelRecipe.TASK, ModelRecipe.DIFFICULTY);
        TaskRows.writePrompts(
                folder.resolve("prompts.jsonl"), task.generate(PROMPT_SEED, PROMPTS, Split.TRAIN));
        TaskRows.writePairs(
                folder.resolve("pairs.jsonl"),
                task.generate(PAIR_SEED, PAIR_PROBLEMS, Split.TRAIN));
        TaskRows.writePrompts(
                folder.resolve("heldout.jsonl"),
                task.generate(PROMPT_SEED, HELD_OUT, Split.HELD_OUT));
        TaskRows.writePairs(
                folder.resolve("pairs-heldout.jsonl"),
                task.generate(PAIR_SEED, HELD_OUT, Split.HELD_OUT));
    }
}
