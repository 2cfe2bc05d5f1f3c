package org.attune.text;

import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// Tokens of prompts and steps as process reward models see them, in training and as judges. Every
/// part is encoded on its own, so that a step's end has the same tokens whatever follows.
/// Thread-safe.
public final class StepTokens {
    private final Tokenizer tokenizer;
    private final Pattern between;
    private final int[] separator;

    /// @param tokenizer borrowed
    /// @param separator stands behind every step
    public StepTokens(Tokenizer tokenizer, String separator) {
        this.tokenizer = tokenizer;
        between = Pattern.compile(separator, Pattern.LITERAL);
        this.separator = tokenizer.encode(separator, false);
    }

    /// A prompt that is a text: behind the tokenizer's BOS if it has one.
    public int[] prompt(String text) {
        int[] ids = tokenizer.encode(text, false);
        OptionalInt bos = tokenizer.bosId();
        return bos.isPresent() ? joined(new int[] {bos.getAsInt()}, ids) : ids;
    }

    /// A step with the separator behind it; it is judged at the last token.
    public int[] step(String text) {
        return joined(tokenizer.encode(text, false), separator);
    }

    /// The steps of a solution. Pieces that hold nothing but blanks are none; a solution of nothing
    /// else is one empty step, so that silence isn't worth more than an answer.
    public List<String> split(String solution) {
        List<String> steps =
                between.splitAsStream(solution).filter(piece -> !piece.isBlank()).toList();
        return steps.isEmpty() ? List.of("") : steps;
    }

    private static int[] joined(int[] a, int[] b) {
        return IntStream.concat(IntStream.of(a), IntStream.of(b)).toArray();
    }
}
