package org.attune.adapter;

import java.util.List;

/// Rows of an embedding or output layer that are trained, the rows of some tokens. What is kept
/// are the rows themselves, in the order of the tokens.
///
/// @param tensor name in PEFT's files
/// @param tokens ids
/// @param startsAtBase whether a fresh adapter has the model's own rows, else random ones
public record TokenRows(String tensor, List<Integer> tokens, boolean startsAtBase) {
    /// End of the name of a tensor with such rows.
    static final String SUFFIX = ".trainable_tokens_delta";

    public TokenRows {
        tokens = List.copyOf(tokens);
    }
}
