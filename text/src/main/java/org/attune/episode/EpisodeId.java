package org.attune.episode;

/// Which episode of a run.
///
/// @param round number of its round, from 0; −1 in an evaluation
/// @param place in the round, from 0
public record EpisodeId(long round, int place) {}
