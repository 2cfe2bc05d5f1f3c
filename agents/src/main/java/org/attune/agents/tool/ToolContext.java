package org.attune.agents.tool;

import static org.attune.api.Api.Status.STABLE;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.api.Api;
import org.attune.episode.EpisodeStart;

import java.time.Instant;

/// What a tool may know besides its arguments.
///
/// @param episode which called it
/// @param turn of the episode, from 0
/// @param call of the turn, from 0
/// @param random draws of this call alone, from the run's seed
/// @param deadline when the call ends
@Api(STABLE)
public record ToolContext(
        EpisodeStart episode, int turn, int call, UniformRandomProvider random, Instant deadline) {}
