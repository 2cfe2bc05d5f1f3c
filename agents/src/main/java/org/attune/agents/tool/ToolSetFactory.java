package org.attune.agents.tool;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.episode.EpisodeStart;

/// Opens the tools of episodes. Called from many threads at once.
@Api(STABLE)
@FunctionalInterface
public interface ToolSetFactory extends AutoCloseable {
    /// Tools for one episode; tools without state may be the same ones each time.
    ///
    /// @throws Exception if the world failed
    ToolSet open(EpisodeStart start) throws Exception;

    /// Gives back what the run's tools share, at the end of the run.
    @Override
    default void close() {}
}
