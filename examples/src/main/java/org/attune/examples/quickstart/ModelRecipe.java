package org.attune.examples.quickstart;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.reward.task.Problem;
import org.attune.reward.task.Split;
import org.attune.reward.task.Task;
import org.attune.reward.task.TaskRows;
import org.attune.reward.task.Tasks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Writes what the embedded model is trained from: a folder `random` with its shape and random
/// weights, and digits sorted by careless people. `examples/model/make` calls it, then
/// `attune sft` and `attune export`.
public final class ModelRecipe {
    /// What the model knows.
    static final String TASK = "number-sorting";

    /// Four digits to be sorted.
    static final String DIFFICULTY = "count=4,digits=1,orders=1";

    private static final int SEED = 20261;
    private static final int PROBLEMS = 7_500;
    private static final int PASSES = 4;
    private static final int SFT_HELD_OUT = 256;

    /// How often people repeat the numbers as they are.
    private static final double MISTAKES = 0.55;

    private ModelRecipe() {}

    /// Writes model and data.
    ///
    /// @param args the folder, created if it is not there
    public static void main(String[] args) throws IOException {
        if (args.length != 1) {
            throw new IllegalArgumentException("one argument is needed: the folder to write to");
        }
        Path folder = Path.of(args[0]);
        TinyModel.defaults()
                .write(Files.createDirectories(folder.resolve("random")), random("weights"));
        writeData(folder);
    }

    /// `sft.jsonl` and, to measure the loss, `sft-heldout.jsonl`.
    static void writeData(Path folder) throws IOException {
        Task task = Tasks.of(TASK, DIFFICULTY);
        List<Problem> once = task.generate(SEED, PROBLEMS, Split.TRAIN);
        var problems = new ArrayList<Problem>();
        for (int pass = 0; pass < PASSES; pass++) {
            problems.addAll(once); // each time somebody else answers
        }
        TaskRows.writeCompletions(
                folder.resolve("sft.jsonl"), problems, MISTAKES, random("answers"));
        TaskRows.writeCompletions(
                folder.resolve("sft-heldout.jsonl"),
                task.generate(SEED, SFT_HELD_OUT, Split.HELD_OUT),
                MISTAKES,
                random("held-out answers"));
    }

    private static UniformRandomProvider random(String purpose) {
        return RandomSource.XO_SHI_RO_256_PP.create(new long[] {SEED, purpose.hashCode()});
    }
}
