package org.attune.langchain4j;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;

import org.attune.api.Api;
import org.attune.error.AttuneException;
import org.attune.serve.LocalAnswer;
import org.attune.serve.LocalModels;

import java.util.List;
import java.util.Set;

/// A model of this process as LangChain4j's [ChatModel].
/// ```
/// ChatModel model = AttuneChatModel.of(models);
/// model.chat("Sort ascending: 3 1 2");
/// ```
/// The parameter `modelName` chooses an adapter. Immutable and thread-safe.
///
/// @param models borrowed
/// @param defaultRequestParameters what requests don't say
/// @param listeners called on the thread that asks
@Api(EXPERIMENTAL)
public record AttuneChatModel(
        LocalModels models,
        ChatRequestParameters defaultRequestParameters,
        List<ChatModelListener> listeners)
        implements ChatModel {
    public AttuneChatModel {
        defaultRequestParameters =
                AttuneChatRequestParameters.EMPTY.overrideWith(defaultRequestParameters);
        listeners = List.copyOf(listeners);
    }

    /// A model with nothing preset.
    public static AttuneChatModel of(LocalModels models) {
        return new AttuneChatModel(models, AttuneChatRequestParameters.EMPTY, List.of());
    }

    public AttuneChatModel withParameters(ChatRequestParameters parameters) {
        return new AttuneChatModel(models, parameters, listeners);
    }

    public AttuneChatModel withListeners(ChatModelListener... all) {
        return new AttuneChatModel(models, defaultRequestParameters, List.of(all));
    }

    /// Answers a request with what it says alone; [#chat(ChatRequest)] adds defaults and listeners.
    ///
    /// @throws dev.langchain4j.exception.LangChain4jException if it can't be answered
    @Override
    public ChatResponse doChat(ChatRequest request) {
        var keys = RequestKeys.of(request);
        try (LocalAnswer answer = models.chat(keys)) {
            return Responses.of(answer.await());
        } catch (AttuneException e) {
            throw Problems.of(e);
        }
    }

    @Override
    public Set<Capability> supportedCapabilities() {
        return Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
    }
}
