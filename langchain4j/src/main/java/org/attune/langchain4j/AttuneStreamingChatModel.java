package org.attune.langchain4j;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;

import org.attune.api.Api;
import org.attune.serve.LocalModels;

import java.util.List;
import java.util.Map;
import java.util.Set;

/// A model of this process as LangChain4j's [StreamingChatModel]. Each answer calls its handler on
/// a virtual thread; a handler that waits delays its own answer only. Immutable and thread-safe.
///
/// @param models borrowed
/// @param defaultRequestParameters what requests don't say
/// @param listeners called at the start on the thread that asks, at the end on the handler's
@Api(EXPERIMENTAL)
public record AttuneStreamingChatModel(
        LocalModels models,
        ChatRequestParameters defaultRequestParameters,
        List<ChatModelListener> listeners)
        implements StreamingChatModel {
    public AttuneStreamingChatModel {
        defaultRequestParameters =
                AttuneChatRequestParameters.EMPTY.overrideWith(defaultRequestParameters);
        listeners = List.copyOf(listeners);
    }

    /// A model with nothing preset.
    public static AttuneStreamingChatModel of(LocalModels models) {
        return new AttuneStreamingChatModel(models, AttuneChatRequestParameters.EMPTY, List.of());
    }

    public AttuneStreamingChatModel withParameters(ChatRequestParameters parameters) {
        return new AttuneStreamingChatModel(models, parameters, listeners);
    }

    public AttuneStreamingChatModel withListeners(ChatModelListener... all) {
        return new AttuneStreamingChatModel(models, defaultRequestParameters, List.of(all));
    }

    /// Begins to answer a request with what it says alone; `chat` adds defaults and listeners. The
    /// handler is told of whatever prevents an answer, but for what no answer could obey.
    ///
    /// @throws dev.langchain4j.exception.UnsupportedFeatureException if it asks for such a thing
    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
        Map<String, Object> keys = RequestKeys.of(request);
        Thread.ofVirtual()
                .name("attune-answer")
                .start(() -> new StreamRelay(handler).relay(() -> models.chat(keys)));
    }

    @Override
    public Set<Capability> supportedCapabilities() {
        return Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
    }
}
