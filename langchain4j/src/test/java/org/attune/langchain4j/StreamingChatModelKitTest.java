package org.attune.langchain4j;

import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.eq;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;

import org.attune.serve.LocalModels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.mockito.InOrder;

import java.util.List;

/// What LangChain4j asks of every streaming chat model.
class StreamingChatModelKitTest extends AbstractStreamingChatModelIT {
    private LocalModels local;

    @BeforeAll
    void open() {
        local = Script.open();
    }

    @AfterAll
    void close() {
        local.close();
    }

    @Override
    protected List<StreamingChatModel> models() {
        return List.of(AttuneStreamingChatModel.of(local));
    }

    @Override
    protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
        return AttuneStreamingChatModel.of(local).withParameters(parameters);
    }

    @Override
    public StreamingChatModel createModelWith(ChatModelListener listener) {
        return AttuneStreamingChatModel.of(local).withListeners(listener);
    }

    @Override
    protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
        return AttuneChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
    }

    @Override
    protected String customModelName() {
        return "other";
    }

    @Override
    protected void verifyToolCallbacks(
            StreamingChatResponseHandler handler, InOrder order, String id) {
        verifyCall(handler, order, 0, id, "getWeather", "{\"city\": \"Munich\"}");
    }

    @Override
    protected void verifyToolCallbacks(
            StreamingChatResponseHandler handler, InOrder order, String first, String second) {
        verifyCall(handler, order, 0, first, "getWeather", "{\"city\": \"Munich\"}");
        verifyCall(handler, order, 1, second, "getTime", "{\"country\": \"France\"}");
    }

    private static void verifyCall(
            StreamingChatResponseHandler handler,
            InOrder order,
            int index,
            String id,
            String name,
            String arguments) {
        order.verify(handler).onPartialToolCall(eq(partial(index, id, name, arguments)), any());
        order.verify(handler).onCompleteToolCall(complete(index, id, name, arguments));
    }

    /// That test waits for 30 seconds; the second stage has it.
    @Override
    protected boolean supportsStreamingCancellation() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsBase64EncodedString() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsPublicURL() {
        return false;
    }
}
