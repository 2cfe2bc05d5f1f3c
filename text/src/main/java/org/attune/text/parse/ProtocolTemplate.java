package org.attune.text.parse;

import org.attune.text.ChatTemplate;
import org.attune.text.Conversation;

/// A chat template that knows tools by a protocol.
record ProtocolTemplate(ChatTemplate template, ToolProtocol protocol) implements ChatTemplate {
    @Override
    public Rendering render(Conversation conversation, Tail tail) {
        return template.render(protocol.written(conversation), tail);
    }

    @Override
    public String name() {
        return template.name();
    }

    @Override
    public String source() {
        return template.source();
    }

    @Override
    public boolean marksAssistant() {
        return template.marksAssistant();
    }
}
