package org.attune.datasets.prepare;

import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.text.Tokenizer;

import java.util.Arrays;
import java.util.stream.IntStream;

/// Tokens of prompts and steps as process reward models see them, in training and as judges. Every
/// part is encoded on its own, so that a step's end has the same tokens whatever follows.
/// Thread-safe.
public final class StepwiseTokenizer {
    private final SampleTokenizer samples;
    private final Tokenizer tokenizer;
    private final int[] separator;

    /// @param samples encodes conversations; borrowed
    /// @param separator stands behind every step
    public StepwiseTokenizer(SampleTokenizer samples, String separator) {
        this.samples = samples;
        tokenizer = samples.tokenizer();
        this.separator = tokenizer.encode(separator, false);
    }

    /// A prompt: a text behind the tokenizer's BOS if it has one, a conversation as its template
    /// writes it for an answer.
    public int[] prompt(Content prompt, TemplateOptions options) {
        return switch (prompt) {
            case Content.Text(String text) -> {
                int[] ids = tokenizer.encode(text, false);
                yield tokenizer.bosId().isPresent()
                        ? joined(new int[] {tokenizer.bosId().getAsInt()}, ids)
                        : ids;
            }
            case Content.Turns turns -> samples.promptIds(turns, options);
        };
    }

    /// A step with the separator behind it; it is judged at the last token.
    public int[] step(String text) {
        return joined(tokenizer.encode(text, false), separator);
    }

    private static int[] joined(int[] a, int[] b) {
        return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
    }
}
