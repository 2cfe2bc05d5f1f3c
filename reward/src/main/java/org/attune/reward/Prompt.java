package org.attune.reward;

import org.attune.text.Message;

import java.util.List;

/// A prompt, as reward functions see it.
///
/// @param text as the model saw it, rendered by the chat template
/// @param messages the turns, empty for a plain text prompt
public record Prompt(String text, List<Message> messages) {
    public Prompt {
        messages = List.copyOf(messages);
    }
}
