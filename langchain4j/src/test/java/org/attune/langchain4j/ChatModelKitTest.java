package org.attune.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelIT;
import dev.langchain4j.model.chat.request.ChatRequestParameters;

import org.attune.serve.LocalModels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

import java.util.List;

/// What LangChain4j asks of every chat model.
class ChatModelKitTest extends AbstractChatModelIT {
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
    protected List<ChatModel> models() {
        return List.of(AttuneChatModel.of(local));
    }

    @Override
    protected ChatModel createModelWith(ChatRequestParameters parameters) {
        return AttuneChatModel.of(local).withParameters(parameters);
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
    protected boolean supportsSingleImageInputAsBase64EncodedString() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsPublicURL() {
        return false;
    }
}
