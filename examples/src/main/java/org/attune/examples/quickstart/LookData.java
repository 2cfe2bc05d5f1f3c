package org.attune.examples.quickstart;

import org.attune.reward.task.AnswerReward;
import org.attune.reward.task.Split;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Writes the pictures that the embedded model that sees is measured with: run it with
/// `./attune example quickstart.LookData examples/quickstart`.
public final class LookData {
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

    /// `look-heldout.jsonl`, rows with a picture, a question and its answer; `look.png`, the first
    /// of these pictures.
    static void write(Path folder) throws IOException {
        List<ColouredDigits> heldOut = write(folder.resolve("look-heldout.jsonl"), HELD_OUT);
        Files.write(folder.resolve("look.png"), heldOut.getFirst().png());
    }

    private static List<ColouredDigits> write(Path file, int count) throws IOException {
        List<ColouredDigits> problems =
                ColouredDigits.draw(
                        count, Split.HELD_OUT, LookRecipe.random("quickstart, held-out"));
        LookRecipe.rows(
                file,
                problems,
                problem ->
                        LookRecipe.prompt(problem, "Which digits?")
                                .put(AnswerReward.COLUMN, problem.all()));
        return problems;
    }
}
