package org.attune.feedback;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/// An answer that a model gave, with all that was asked. Texts that aren't known are empty.
///
/// @param id of the response, by which users judge it
/// @param choice number of the answer in its response, from 0
/// @param user who asked; a pseudonym serves as well as a name
/// @param origin what answered
/// @param messages the conversation before the answer, in OpenAI's form
/// @param tools that the model could call, in OpenAI's form
/// @param answer the assistant's message, in OpenAI's form
/// @param usage what it took
@Api(EXPERIMENTAL)
public record GivenAnswer(
        String id,
        int choice,
        Instant time,
        String user,
        Origin origin,
        List<Object> messages,
        List<Object> tools,
        Map<String, Object> answer,
        Usage usage) {

    public GivenAnswer {
        messages = List.copyOf(messages);
        tools = List.copyOf(tools);
    }

    /// What answered.
    ///
    /// @param model the name that was asked for
    /// @param answeredBy the name of what answered, which tells releases and sides of a split apart
    /// @param base folder, file or hub name of the base model
    /// @param start folder or hub name of the adapter that new adapters for this name start from;
    ///     empty: the base model
    /// @param adapter folder or hub name of the adapter that answered; empty: the base model did
    public record Origin(
            String model, String answeredBy, String base, String start, String adapter) {}

    /// What an answer took.
    ///
    /// @param finish why it ended, as OpenAI says it
    public record Usage(long promptTokens, long answerTokens, String finish) {}
}
