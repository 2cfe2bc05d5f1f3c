package org.attune.text;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A chat template that gets the content of all messages as lists of parts, as TRL gives them to
/// models that see: templates of such models, SmolVLM's for example, may know no texts.
///
/// @param template that knows parts
record PartsTemplate(ChatTemplate template) implements ChatTemplate {

    /// Wraps the template of a model that sees, within the check of what is left out.
    static ChatTemplate of(ChatTemplate template) {
        return template instanceof CompleteTemplate checked
                ? CompleteTemplate.of(of(checked.checked()))
                : template.source().contains("image") && !(template instanceof PartsTemplate)
                        ? new PartsTemplate(template)
                        : template;
    }

    @Override
    public Rendering render(Conversation conversation, Tail tail) {
        List<Message> messages =
                conversation.messages().stream().map(PartsTemplate::inParts).toList();
        return template.render(conversation.withMessages(messages), tail);
    }

    private static Message inParts(Message message) {
        if (!(message.fields().get("content") instanceof String text)) {
            return message;
        }
        Map<String, Object> part = new LinkedHashMap<>();
        part.put("type", "text");
        part.put("text", text);
        Map<String, Object> fields = new LinkedHashMap<>(message.fields());
        fields.put("content", List.of(part));
        return new Message(fields);
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
