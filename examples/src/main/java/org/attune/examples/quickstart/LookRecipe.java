package org.attune.examples.quickstart;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.files.AtomicFile;
import org.attune.json.Json;
import org.attune.reward.task.Split;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

/// Writes what the embedded model that sees is trained from: a folder `random` with its shape and
/// random weights, and digits read by careless people. `examples/look/make` calls it, then
/// `attune sft` and `attune export`.
public final class LookRecipe {
    private static final int SEED = 20262;
    private static final int PROBLEMS = 20_000;
    private static final int SFT_HELD_OUT = 256;

    /// How often people who are asked for rows read columns, and the other way round.
    private static final double MISTAKES = 0.6;

    private LookRecipe() {}

    /// What the user asks.
    enum Question {
        ALL("Which digits?"),
        ROWS("Read the rows."),
        COLUMNS("Read the columns.");

        private final String text;

        Question(String text) {
            this.text = text;
        }

        /// Digits in the order that is asked for; row by row if none is.
        String answer(DrawnDigits problem) {
            return this == COLUMNS ? problem.byColumn() : problem.byRow();
        }

        private String mistake(DrawnDigits problem) {
            return this == COLUMNS ? problem.byRow() : problem.byColumn();
        }

        /// Asks for one of the orders.
        static Question ordered(UniformRandomProvider random) {
            return random.nextBoolean() ? ROWS : COLUMNS;
        }
    }

    /// Writes model and data.
    ///
    /// @param args the folder, created if it is not there
    public static void main(String[] args) throws IOException {
        if (args.length != 1) {
            throw new IllegalArgumentException("one argument is needed: the folder to write to");
        }
        Path folder = Path.of(args[0]);
        LookModel.write(Files.createDirectories(folder.resolve("random")), random("weights"));
        write(folder.resolve("sft.jsonl"), PROBLEMS, Split.TRAIN, "answers");
        write(folder.resolve("sft-heldout.jsonl"), SFT_HELD_OUT, Split.HELD_OUT, "held out");
    }

    /// Every other row asks for no order: without that the encoder learns to read late.
    private static void write(Path file, int count, Split split, String purpose)
            throws IOException {
        UniformRandomProvider random = random(purpose);
        rows(
                file,
                DrawnDigits.draw(count, split, random),
                problem -> {
                    if (random.nextBoolean()) {
                        return row(problem, Question.ALL, Question.ALL.answer(problem));
                    }
                    Question question = Question.ordered(random);
                    boolean careless = random.nextDouble() < MISTAKES;
                    return row(
                            problem,
                            question,
                            careless ? question.mistake(problem) : question.answer(problem));
                });
    }

    private static ObjectNode row(DrawnDigits problem, Question question, String answer) {
        ObjectNode row = prompt(problem, question);
        turn(row, "completion", "assistant", answer);
        return row;
    }

    static UniformRandomProvider random(String purpose) {
        return RandomSource.XO_SHI_RO_256_PP.create(new long[] {SEED, purpose.hashCode()});
    }

    /// Writes a row for each problem.
    static void rows(Path file, List<DrawnDigits> problems, Function<DrawnDigits, ObjectNode> row)
            throws IOException {
        var text = new StringBuilder();
        problems.forEach(problem -> text.append(row.apply(problem)).append('\n'));
        AtomicFile.writeText(file, text.toString());
    }

    /// A row with picture and question.
    static ObjectNode prompt(DrawnDigits problem, Question question) {
        ObjectNode row = Json.object().put("image", problem.address());
        turn(row, "prompt", "user", question.text);
        return row;
    }

    private static void turn(ObjectNode row, String column, String role, String content) {
        row.putArray(column).addObject().put("role", role).put("content", content);
    }
}
