package org.attune.rollout.generation;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.rollout.SampledCompletion;

/// A completion as text.
///
/// @param text without special tokens; a stop string that ended it is included
/// @param sampled its tokens
@Api(EXPERIMENTAL)
public record TextCompletion(String text, SampledCompletion sampled) {}
