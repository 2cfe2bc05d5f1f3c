package org.attune.trainers.online;

import org.attune.trainers.layout.CompletionForest;

import java.util.BitSet;

/// A completion that passes through the model.
///
/// @param tokens prompt and completion, with what each turn follows
/// @param foreign tokens of the completion that aren't the model's own, as answers of tools
record LearnedCompletion(CompletionForest.Row tokens, BitSet foreign) {
    LearnedCompletion {
        foreign = (BitSet) foreign.clone();
    }
}
