package org.attune.trainers.prepare;

import org.attune.text.Tokenizer;
import org.attune.trainers.examples.CompletionExample.Texts;
import org.attune.trainers.examples.CompletionTokens;

import java.util.Arrays;
import java.util.OptionalInt;

/// A prompt with its completion, read as one text whose parts another tokenizer is to read too, as
/// TRL's GOLD reads it. A token that reaches over the prompt's end belongs to the completion.
///
/// @param tokens of both texts, with an EOS behind them if one was added
/// @param texts of both
record TextReading(CompletionTokens tokens, Texts texts) {
    /// Reads the text of a row.
    ///
    /// @param eos what is added behind a text that doesn't end with it; empty: nothing
    static TextReading of(Tokenizer tokenizer, SampleTokenizer.Texts row, OptionalInt eos) {
        Tokenizer.Encoding both = tokenizer.encodeWithOffsets(row.both(), false);
        int[] ids = both.ids();
        int start = 0;
        while (start < ids.length && both.end()[start] <= row.prompt().length()) {
            start++;
        }
        boolean adds =
                eos.isPresent() && (ids.length == 0 || ids[ids.length - 1] != eos.getAsInt());
        if (adds) {
            ids = Arrays.copyOf(ids, ids.length + 1);
            ids[ids.length - 1] = eos.getAsInt();
        }
        var texts = new Texts(row.prompt(), row.both().substring(row.prompt().length()), adds);
        return new TextReading(new CompletionTokens(ids, start), texts);
    }

    /// The texts of what was kept of the tokens.
    ///
    /// @param tokenizer has read the row
    Texts texts(Tokenizer tokenizer, CompletionTokens kept) {
        if (kept.length() == tokens.length()) {
            return texts;
        }
        int[] completion = kept.completionIds();
        int end = completion.length - (texts.isEnded() ? 1 : 0);
        return new Texts(
                tokenizer.decode(kept.promptIds(), false),
                tokenizer.decode(Arrays.copyOf(completion, end), false),
                texts.isEnded());
    }
}
