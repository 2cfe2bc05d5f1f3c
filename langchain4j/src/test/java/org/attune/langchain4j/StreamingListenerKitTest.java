package org.attune.langchain4j;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;

import org.attune.serve.LocalModels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/// What LangChain4j asks of listeners to streams.
class StreamingListenerKitTest extends AbstractStreamingChatModelListenerIT {
    private static LocalModels local;

    @BeforeAll
    static void open() {
        local = Script.open();
    }

    @AfterAll
    static void close() {
        local.close();
    }

    @Override
    protected StreamingChatModel createModel(ChatModelListener listener) {
        return AttuneStreamingChatModel.of(local)
                .withParameters(
                        ChatRequestParameters.builder()
                                .modelName("tiny")
                                .temperature(0.7)
                                .topP(1.0)
                                .maxOutputTokens(7)
                                .build())
                .withListeners(listener);
    }

    @Override
    protected String modelName() {
        return "tiny";
    }

    @Override
    protected StreamingChatModel createFailingModel(ChatModelListener listener) {
        return AttuneStreamingChatModel.of(local)
                .withParameters(ChatRequestParameters.builder().temperature(7.0).build())
                .withListeners(listener);
    }

    @Override
    protected Class<? extends Exception> expectedExceptionClass() {
        return InvalidRequestException.class;
    }
}
