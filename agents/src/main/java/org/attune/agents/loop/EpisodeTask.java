package org.attune.agents.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.episode.EpisodeStart;
import org.attune.text.Message;

import java.util.List;

/// An episode that is to be run.
///
/// @param start what it begins with
/// @param prompt its messages, before the environment adds to them
/// @param promptIds their tokens, which are taken where there are no tools and no environment; else
///     the prompt is rendered with these. A named tuple: equality is identity of the array
@Api(EXPERIMENTAL)
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record EpisodeTask(EpisodeStart start, List<Message> prompt, int[] promptIds) {
    public EpisodeTask {
        prompt = List.copyOf(prompt);
    }
}
