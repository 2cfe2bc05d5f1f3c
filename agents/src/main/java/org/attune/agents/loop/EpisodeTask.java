package org.attune.agents.loop;

import org.attune.episode.EpisodeStart;
import org.attune.text.Message;

import java.util.List;

/// An episode that is to be run.
///
/// @param start what it begins with
/// @param prompt its messages, before the environment adds to them
public record EpisodeTask(EpisodeStart start, List<Message> prompt) {
    public EpisodeTask {
        prompt = List.copyOf(prompt);
    }
}
