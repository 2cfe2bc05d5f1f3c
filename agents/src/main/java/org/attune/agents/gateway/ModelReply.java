package org.attune.agents.gateway;

import org.attune.text.Message;
import org.attune.text.parse.ToolCall;

import java.util.List;

/// What the model answered.
///
/// @param message of the assistant: `content`, and `reasoning_content` where there is some
/// @param calls of tools; each has an id
/// @param isFinished whether the model ended its turn itself, and no limit did
/// @param promptTokens that it read
/// @param tokens that it wrote
public record ModelReply(
        Message message, List<ToolCall> calls, boolean isFinished, int promptTokens, int tokens) {
    public ModelReply {
        calls = List.copyOf(calls);
    }

    /// The reason for the reply's end, as OpenAI calls it.
    String finishReason() {
        return !isFinished ? "length" : calls.isEmpty() ? "stop" : "tool_calls";
    }
}
