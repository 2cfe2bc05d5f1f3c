package org.attune.examples.quickstart;

import org.attune.reward.task.AnswerReward;
import org.attune.reward.task.Split;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Writes the pictures that the quickstart's run with pictures learns from and is measured with:
/// run it with `./attune example quickstart.LookData examples/quickstart`.
public final class LookData {
    private static final int PROMPTS = 640;
    private static final int HELD_OUT = 200;

    private LookData() {}

    /// Writes the files.
    ///
    /// @param args the folder
    public static void main(String[] args) throws IOException {
        if (args.length != 1) {
            throw new IllegalArgumentException("one argument is needed: the folder to write to");
        }
        write(Path.of(args[0]));
    }

    /// `look.jsonl` and `look-heldout.jsonl`, rows with a picture, a question and its answer;
    /// `look.png`, the first picture that is held out.
    static void write(Path folder) throws IOException {
        write(folder.resolve("look.jsonl"), PROMPTS, Split.TRAIN);
        List<ColouredDigits> heldOut =
                write(folder.resolve("look-heldout.jsonl"), HELD_OUT, Split.HELD_OUT);
        Files.write(folder.resolve("look.png"), heldOut.getFirst().png());
    }

    private static List<ColouredDigits> write(Path file, int count, Split split)
            throws IOException {
        List<ColouredDigits> problems =
                ColouredDigits.draw(count, split, LookRecipe.random("quickstart, " + split));
        LookRecipe.rows(
                file,
                problems,
                problem ->
                        LookRecipe.prompt(problem, problem.question())
                                .put(AnswerReward.COLUMN, problem.answer()));
        return problems;
    }
}
