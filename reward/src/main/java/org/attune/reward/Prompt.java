package org.attune.reward;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.text.Message;

import java.util.List;

/// A prompt, as reward functions see it.
///
/// @param text as the model saw it, rendered by the chat template
/// @param messages the turns, empty for a plain text prompt
@Api(STABLE)
public record Prompt(String text, List<Message> messages) {
    public Prompt {
        messages = List.copyOf(messages);
    }
}
