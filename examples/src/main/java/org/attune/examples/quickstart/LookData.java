package org.attune.examples.quickstart;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.examples.quickstart.LookRecipe.Question;
import org.attune.reward.task.AnswerReward;
import org.attune.reward.task.Split;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/// Writes the pictures that the embedded model that sees learns from by rewards and is measured
/// with: run it with `./attune example quickstart.LookData examples/quickstart`.
public final class LookData {
    private static final int PROMPTS = 480;
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
    /// of these pictures; `look-prompts.jsonl` and `look-prompts-heldout.jsonl`, such rows that ask
    /// for rows or for columns.
    static void write(Path folder) throws IOException {
        UniformRandomProvider random = LookRecipe.random("quickstart, held-out");
        List<DrawnDigits> heldOut = DrawnDigits.draw(HELD_OUT, Split.HELD_OUT, random);
        rows(folder.resolve("look-heldout.jsonl"), heldOut, () -> Question.ALL);
        Files.write(folder.resolve("look.png"), heldOut.getFirst().png());
        ordered(folder.resolve("look-prompts.jsonl"), PROMPTS, Split.TRAIN);
        ordered(folder.resolve("look-prompts-heldout.jsonl"), HELD_OUT, Split.HELD_OUT);
    }

    private static void ordered(Path file, int count, Split split) throws IOException {
        UniformRandomProvider random = LookRecipe.random("quickstart, orders, " + split);
        List<DrawnDigits> problems = DrawnDigits.draw(count, split, random);
        rows(file, problems, () -> Question.ordered(random));
    }

    private static void rows(Path file, List<DrawnDigits> problems, Supplier<Question> questions)
            throws IOException {
        LookRecipe.rows(
                file,
                problems,
                problem -> {
                    Question question = questions.get();
                    return LookRecipe.prompt(problem, question)
                            .put(AnswerReward.COLUMN, question.answer(problem));
                });
    }
}
