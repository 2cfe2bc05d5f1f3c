package org.attune.agents.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.episode.Episode;

/// Hears of each episode as soon as it has ended, on the engine's thread.
@Api(EXPERIMENTAL)
@FunctionalInterface
public interface EpisodeListener {
    /// Hears nothing.
    EpisodeListener NONE = (_, _) -> {};

    /// @param place of its task, from 0
    void ended(int place, Episode episode);
}
