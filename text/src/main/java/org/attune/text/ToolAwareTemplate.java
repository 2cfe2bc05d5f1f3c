package org.attune.text;

/// Two chat templates of one model: one for conversations with tools, one for all others.
///
/// @param standard the template for conversations without tools; the one that is shown and saved
/// @param toolUse  the template for conversations with tools
record ToolAwareTemplate(ChatTemplate standard, ChatTemplate toolUse) implements ChatTemplate {
    @Override
    public Rendering render(Conversation conversation, Tail tail) {
        boolean tools =
                !conversation.tools().isEmpty() || conversation.variables().containsKey("tools");
        return (tools ? toolUse : standard).render(conversation, tail);
    }

    @Override
    public String name() {
        return standard.name();
    }

    @Override
    public String source() {
        return standard.source();
    }

    @Override
    public boolean marksAssistant() {
        return standard.marksAssistant() && toolUse.marksAssistant();
    }
}
