package org.attune.agents.loop;

import org.attune.agents.tool.WorldFailedException;
import org.attune.episode.Episode;

/// One attempt at an episode, from its beginning to its end.
sealed interface EpisodeStory permits EpisodeAttempt, AgentAttempt {
    /// Plays it to its end. On the episode's own thread, which may wait.
    Episode play() throws WorldFailedException, InterruptedException;

    /// The turns so far, as an episode that failed.
    Episode failed();
}
