package org.attune.rollout;

/// A completion as text.
///
/// @param text without special tokens; a stop string that ended it is included
/// @param sampled its tokens
public record TextCompletion(String text, SampledCompletion sampled) {}
