package org.attune.text.parse.protocol;

import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.parse.ToolProtocol;
import org.attune.text.parse.TurnParser;

import java.util.List;

/// The protocol of a model whose chat template knows tools.
///
/// @param parser reads what the model writes
record TemplateProtocol(TurnParser parser) implements ToolProtocol {
    @Override
    public String key() {
        return "template";
    }

    @Override
    public Conversation written(Conversation conversation) {
        return conversation;
    }

    @Override
    public String writtenPlainly(List<Message> results) {
        throw new UnsupportedOperationException("the model has a chat template");
    }

    @Override
    public List<String> stops() {
        return List.of();
    }
}
