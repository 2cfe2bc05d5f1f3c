package org.attune.trainers.distillation;

import org.attune.trainers.layout.CompletionForest;

import java.util.BitSet;

/// A prompt with the completion on which student and teacher are compared. A named tuple: equality
/// is identity of the arrays.
///
/// @param tokens ids of prompt and completion
/// @param taught ids of what the teacher reads: the same completion, behind a prompt that may say
///     more
/// @param foreign tokens of the completion that nobody is asked about, as the answer of a tool;
///     usually none
/// @param origin where the prompt comes from
record StudentRow(
        CompletionForest.Row tokens, CompletionForest.Row taught, BitSet foreign, String origin) {
    /// A row of which both read the same.
    StudentRow(CompletionForest.Row tokens, BitSet foreign, String origin) {
        this(tokens, tokens, foreign, origin);
    }

    /// Whether the teacher reads something else.
    boolean isTaught() {
        return taught != tokens;
    }

    /// Tokens of the completion that count.
    int counted() {
        return tokens.completion().length - foreign.cardinality();
    }

    /// Tokens of prompt and completion.
    int length() {
        return tokens.length();
    }
}
