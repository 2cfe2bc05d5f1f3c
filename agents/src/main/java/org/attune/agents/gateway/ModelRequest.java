package org.attune.agents.gateway;

import org.attune.text.Message;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// What a program asks the model for.
///
/// @param messages of a chat; empty where it asks to complete a text
/// @param tools as chat templates take them
/// @param text to complete; empty for a chat
/// @param maxTokens most tokens of the answer
/// @param form of the reply
public record ModelRequest(
        List<Message> messages,
        List<Object> tools,
        Optional<String> text,
        OptionalInt maxTokens,
        ReplyForm form) {
    public ModelRequest {
        messages = List.copyOf(messages);
        tools = List.copyOf(tools);
    }

    /// How the reply is sent.
    ///
    /// @param isStream whether in pieces, as server-sent events
    /// @param hasUsage whether the last piece counts tokens
    public record ReplyForm(boolean isStream, boolean hasUsage) {}
}
