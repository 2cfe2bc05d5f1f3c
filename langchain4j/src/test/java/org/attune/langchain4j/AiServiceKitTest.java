package org.attune.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceIT;

import org.attune.serve.LocalModels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

import java.util.List;

/// What LangChain4j asks of AI services on every chat model.
class AiServiceKitTest extends AbstractAiServiceIT {
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
}
