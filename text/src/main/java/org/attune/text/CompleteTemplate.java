package org.attune.text;

import org.attune.error.DatasetException;
import org.attune.jinja.JinjaException;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// A chat template that refuses conversations of which it would leave something out. A template
/// that knows no tools, say, renders an assistant's call as an empty answer, which would then be
/// trained. Thread-safe.
///
/// Looked for are contents, tool calls with their arguments, definitions of tools, and reasoning.
/// Reasoning of earlier turns, or of calls before their answer, may be left out by a template that
/// knows reasoning, as those of Qwen 3 and gpt-oss do on purpose. Names, ids and keys that no
/// format defines are not looked for.
///
/// What a template shows depends on what kinds of parts a conversation has, hardly on their text:
/// each kind of conversation is rendered once more, with a mark in every part.
public final class CompleteTemplate implements ChatTemplate {
    private static final int KINDS_KEPT = 20_000;

    private final ChatTemplate template;
    private final Set<String> seen = ConcurrentHashMap.newKeySet();

    private CompleteTemplate(ChatTemplate template) {
        this.template = template;
    }

    /// Adds the check to a template, unless it has the check already.
    public static CompleteTemplate of(ChatTemplate template) {
        return template instanceof CompleteTemplate complete
                ? complete
                : new CompleteTemplate(template);
    }

    /// @throws DatasetException if the template refuses the messages or leaves out a part of them
    @Override
    public Rendering render(Conversation conversation, Tail tail) {
        Rendering rendering = rendered(conversation, tail);
        String kind = ConversationParts.kind(conversation) + tail;
        if (seen.contains(kind)) {
            return rendering;
        }
        var parts = new ConversationParts(conversation);
        Optional<String> marked = tried(parts.marked(), tail);
        // A template that checks what it gets may refuse the marks.
        if (marked.isEmpty()) {
            parts = ConversationParts.ofContents(conversation);
            marked = tried(parts.marked(), tail);
        }
        if (marked.isPresent()) {
            requireAll(parts, marked.get(), conversation);
            requireNoLists(conversation, marked.get());
        }
        if (seen.size() >= KINDS_KEPT) {
            seen.clear();
        }
        seen.add(kind);
        return rendering;
    }

    ChatTemplate checked() {
        return template;
    }

    /// The template without the check, for parts of a conversation that was checked.
    ChatTemplate unchecked() {
        return new Unchecked(this);
    }

    private record Unchecked(CompleteTemplate checked) implements ChatTemplate {
        @Override
        public Rendering render(Conversation conversation, Tail tail) {
            return checked.rendered(conversation, tail);
        }

        @Override
        public String name() {
            return checked.name();
        }

        @Override
        public String source() {
            return checked.source();
        }

        @Override
        public boolean marksAssistant() {
            return checked.marksAssistant();
        }
    }

    /// Checks a conversation without the need of its text.
    ///
    /// @throws DatasetException as [#render]
    public void require(Conversation conversation, Tail tail) {
        if (!seen.contains(ConversationParts.kind(conversation) + tail)) {
            render(conversation, tail);
        }
    }

    private Optional<String> tried(Conversation conversation, Tail tail) {
        try {
            return Optional.of(rendered(conversation, tail).text());
        } catch (DatasetException e) {
            return Optional.empty();
        }
    }

    private void requireAll(ConversationParts parts, String text, Conversation conversation) {
        for (ConversationParts.Part part : parts.parts()) {
            if (text.contains(part.mark())
                    || part.earlierReasoning() && knowsReasoning()
                    || part.isPicture() && source().contains("image")) {
                continue;
            }
            throw new DatasetException(
                    part.name()
                            + " is not in what the chat template "
                            + name()
                            + " renders, so the model would not see it (roles of the messages: "
                            + conversation.messages().stream().map(Message::role).toList()
                            + "); use a template that shows it (chat_template_path,"
                            + " --chat-template), write it into"
                            + " the content of a message, or take it out of the row");
        }
    }

    /// A template that knows no lists of parts writes them as Python prints a list.
    private void requireNoLists(Conversation conversation, String text) {
        boolean lists =
                conversation.messages().stream()
                        .anyMatch(message -> message.fields().get("content") instanceof List<?>);
        if (lists && (text.contains("'type': 'text'") || text.contains("\"type\": \"text\""))) {
            throw new DatasetException(
                    "a content that is a list of parts is written by the chat template "
                            + name()
                            + " as that list; give the content as a text, or use a template that"
                            + " knows parts (chat_template_path)");
        }
    }

    private boolean knowsReasoning() {
        return OpenMessage.REASONING.stream().anyMatch(source()::contains);
    }

    /// Some templates, DeepSeek's for example, join arguments of calls to text and so want them as
    /// JSON text; others want the object.
    private Rendering rendered(Conversation conversation, Tail tail) {
        try {
            return template.render(conversation, tail);
        } catch (DatasetException e) {
            boolean type =
                    e.getCause() instanceof JinjaException jinja
                            && jinja.kind() == JinjaException.Kind.TYPE;
            Conversation withTexts = ConversationParts.withArgumentsAsText(conversation);
            if (!type || withTexts.messages().equals(conversation.messages())) {
                throw e;
            }
            try {
                return template.render(withTexts, tail);
            } catch (DatasetException again) {
                throw e;
            }
        }
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
