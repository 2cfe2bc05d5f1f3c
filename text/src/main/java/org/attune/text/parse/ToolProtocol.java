package org.attune.text.parse;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.text.ChatTemplate;
import org.attune.text.Conversation;
import org.attune.text.Message;

import java.util.List;

/// How a model is told of tools, asks for them and reads what they answer. A chat template that
/// knows tools is a protocol itself; Attune brings two more for models without one. Immutable and
/// thread-safe.
///
/// Conversations keep their usual form: `tools`, messages with `tool_calls`, messages of the role
/// `tool`. A protocol says how to write them for a template that knows none of it.
@Api(EXPERIMENTAL)
public interface ToolProtocol {
    /// The value of `tool_protocol` that names it.
    String key();

    /// The conversation as the chat template is to render it: unchanged if the template knows
    /// tools; else without tools, calls and results, which stand in ordinary messages.
    Conversation written(Conversation conversation);

    /// What follows a turn of a model without a chat template, up to where it writes on.
    ///
    /// @param results messages of the role `tool`, in the order of the calls
    String writtenPlainly(List<Message> results);

    /// Reads the model's turns.
    TurnParser parser();

    /// Texts that end a turn besides the model's end tokens; they belong to the turn.
    List<String> stops();

    /// A chat template that renders conversations as this protocol writes them, tools, calls and
    /// results included.
    default ChatTemplate over(ChatTemplate template) {
        return new ProtocolTemplate(template, this);
    }
}
