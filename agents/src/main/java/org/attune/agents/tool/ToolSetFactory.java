package org.attune.agents.tool;

import org.attune.episode.EpisodeStart;

/// Opens the tools of episodes.
@FunctionalInterface
public interface ToolSetFactory {
    /// Tools for one episode; tools without state may be the same ones each time.
    ///
    /// @throws Exception if the world failed
    ToolSet open(EpisodeStart start) throws Exception;
}
