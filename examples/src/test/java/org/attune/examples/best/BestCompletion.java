package org.attune.examples.best;

import org.attune.trainers.layout.CompletionForest;

/// The best completion of a prompt.
///
/// @param tokens ids of prompt and completion
/// @param origin where the prompt comes from
record BestCompletion(CompletionForest.Row tokens, String origin) {}
