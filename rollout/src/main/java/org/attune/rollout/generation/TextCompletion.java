package org.attune.rollout.generation;

import org.attune.rollout.SampledCompletion;

/// A completion as text.
///
/// @param text without special tokens; a stop string that ended it is included
/// @param sampled its tokens
public record TextCompletion(String text, SampledCompletion sampled) {}
