package org.attune.episode;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

/// Which episode of a run.
///
/// @param round number of its round, from 0; −1 in an evaluation
/// @param place in the round, from 0
@Api(STABLE)
public record EpisodeId(long round, int place) {}
