package org.attune.text.parse;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.text.Message;

import java.util.List;

/// A turn that a model wrote, read.
///
/// @param message with `role` `assistant`, `content`, and where they are there `reasoning_content`
///     or `thinking` and `tool_calls`, as chat templates take them
/// @param calls those that can be run, in the order written
/// @param problems of calls that can't be read, each a sentence for the model
/// @param isFallback whether nothing of the turn's form was understood, so that the message holds
///     its whole text
@Api(STABLE)
public record ParsedTurn(
        Message message, List<ToolCall> calls, List<String> problems, boolean isFallback) {
    public ParsedTurn {
        calls = List.copyOf(calls);
        problems = List.copyOf(problems);
    }

    /// What the model thought before its answer, or the empty string.
    public String reasoning() {
        for (String key : List.of("reasoning_content", "thinking", "reasoning")) {
            if (message.fields().get(key) instanceof String text) {
                return text;
            }
        }
        return "";
    }
}
