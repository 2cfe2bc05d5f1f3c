package org.attune.text;

import org.attune.images.Picture;
import org.attune.jinja.JsonText;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/// The parts of a conversation that a rendering must show, and the same conversation with a mark in
/// each of them.
final class ConversationParts {
    private static final String MARK = "attunepart";

    private final List<Part> parts = new ArrayList<>();
    private final boolean contentsOnly;
    private final Conversation marked;

    /// @param name             how a message calls the part
    /// @param mark             the text that stands in it
    /// @param earlierReasoning whether it is what the assistant thought before an earlier answer
    /// @param isPicture        whether it can't be marked, since a template writes a placeholder
    record Part(String name, String mark, boolean earlierReasoning, boolean isPicture) {}

    ConversationParts(Conversation conversation) {
        this(conversation, false);
    }

    private ConversationParts(Conversation conversation, boolean contentsOnly) {
        this.contentsOnly = contentsOnly;
        var messages = new ArrayList<Message>();
        for (int i = 0; i < conversation.messages().size(); i++) {
            messages.add(marked(conversation.messages(), i));
        }
        List<Object> tools = contentsOnly ? conversation.tools() : tools(conversation.tools());
        this.marked = new Conversation(messages, tools, conversation.variables());
    }

    /// Only the contents of messages.
    static ConversationParts ofContents(Conversation conversation) {
        return new ConversationParts(conversation, true);
    }

    List<Part> parts() {
        return parts;
    }

    Conversation marked() {
        return marked;
    }

    private String mark(String name, boolean earlierReasoning) {
        String mark = MARK + parts.size() + "x";
        parts.add(new Part(name, mark, earlierReasoning, false));
        return mark;
    }

    private Message marked(List<Message> messages, int index) {
        var fields = new LinkedHashMap<>(messages.get(index).fields());
        String of = " of message " + (index + 1);
        fields.computeIfPresent("content", (_, content) -> content(content, of));
        if (contentsOnly) {
            return new Message(fields);
        }
        boolean earlier =
                messages.subList(index + 1, messages.size()).stream()
                        .anyMatch(later -> later.role().equals("user") || isAnswer(later));
        OpenMessage.REASONING.stream()
                .filter(name -> fields.get(name) instanceof String text && !text.isBlank())
                .findFirst()
                .ifPresent(name -> reasoning(fields, name, of, earlier));
        if (fields.get("tool_calls") instanceof List<?> calls) {
            var marked = new ArrayList<Object>();
            for (Object call : calls) {
                marked.add(call(call, "tool call " + (marked.size() + 1) + of));
            }
            fields.put("tool_calls", marked);
        }
        if (fields.get("function_call") instanceof Map<?, ?> call) {
            fields.put("function_call", call(call, "the function call" + of));
        }
        return new Message(fields);
    }

    /// Whether an assistant's message is no call. What was thought before it is over, for gpt-oss.
    private static boolean isAnswer(Message message) {
        return message.role().equals("assistant")
                && !(message.fields().get("tool_calls") instanceof List<?>);
    }

    private void reasoning(Map<String, Object> fields, String name, String of, boolean earlier) {
        String text = fields.get(name) + mark("the field " + name + of, earlier);
        // Renderings take the first name that is set.
        OpenMessage.REASONING.forEach(alias -> fields.computeIfPresent(alias, (_, _) -> text));
    }

    private Object content(Object content, String of) {
        if (content instanceof String text) {
            return text.isBlank() ? text : text + mark("the content" + of, false);
        }
        if (!(content instanceof List<?> pieces)) {
            return content;
        }
        var marked = new ArrayList<Object>();
        for (Object piece : pieces) {
            String name = "part " + (marked.size() + 1) + of;
            if (!(piece instanceof Map<?, ?> map)) {
                marked.add(piece);
            } else if (map.get("text") instanceof String text) {
                marked.add(
                        text.isBlank()
                                ? piece
                                : with(piece, "text", _ -> text + mark(name, false)));
            } else {
                marked.add(piece);
                Object type = map.get("type"); // nothing else can be read
                parts.add(
                        new Part(
                                name + " (" + type + ")",
                                MARK + parts.size() + "x",
                                false,
                                map.get("image") instanceof Picture));
            }
        }
        return marked;
    }

    private Object call(Object call, String name) {
        if (call instanceof Map<?, ?> map && map.get("function") instanceof Map<?, ?> function) {
            return with(call, "function", _ -> function(function, name));
        }
        return function(call, name);
    }

    private Object function(Object function, String name) {
        Object named = with(function, "name", value -> value + mark(name, false));
        return with(named, "arguments", value -> arguments(value, "the arguments of " + name));
    }

    private Object arguments(Object arguments, String name) {
        if (arguments instanceof Map<?, ?> map && !map.isEmpty()) {
            var marked = new LinkedHashMap<Object, Object>(map);
            marked.put(mark(name, false), "x");
            return marked;
        }
        return arguments instanceof String text && !text.isBlank()
                ? text + mark(name, false)
                : arguments;
    }

    private List<Object> tools(List<Object> tools) {
        var marked = new ArrayList<Object>();
        for (Object tool : tools) {
            String name = "tool " + (marked.size() + 1) + " of the column tools";
            UnaryOperator<Object> mark =
                    function -> with(function, "name", value -> value + mark(name, false));
            boolean nested = tool instanceof Map<?, ?> map && map.get("function") instanceof Map;
            marked.add(nested ? with(tool, "function", mark) : mark.apply(tool));
        }
        return marked;
    }

    /// A copy of an object with another value of a key; what has no such key stays.
    private static Object with(Object object, String key, UnaryOperator<Object> change) {
        if (!(object instanceof Map<?, ?> map) || map.get(key) == null) {
            return object;
        }
        var copy = new LinkedHashMap<Object, Object>(map);
        copy.put(key, change.apply(map.get(key)));
        return copy;
    }

    /// Writes the arguments of all calls of a conversation as JSON text.
    static Conversation withArgumentsAsText(Conversation conversation) {
        var messages = new ArrayList<Message>();
        for (Message message : conversation.messages()) {
            var fields = new LinkedHashMap<>(message.fields());
            if (fields.get("tool_calls") instanceof List<?> calls) {
                var changed = new ArrayList<Object>();
                for (Object call : calls) {
                    Object nested = with(call, "function", ConversationParts::withArgumentsAsText);
                    changed.add(withArgumentsAsText(nested));
                }
                fields.put("tool_calls", changed);
            }
            messages.add(new Message(fields));
        }
        return conversation.withMessages(messages);
    }

    private static Object withArgumentsAsText(Object function) {
        return with(
                function,
                "arguments",
                value -> value instanceof Map<?, ?> ? JsonText.dumps(value) : value);
    }

    /// What kinds of parts a conversation has. Conversations of one kind are rendered alike.
    static String kind(Conversation conversation) {
        var kind = new StringBuilder();
        for (Message message : conversation.messages()) {
            kind.append(message.role()).append(':');
            message.fields().forEach((name, value) -> kind(name, value, kind));
            kind.append(';');
        }
        return kind.append(conversation.tools().size())
                .append(conversation.variables())
                .append('|')
                .toString();
    }

    /// A template may show one type and leave out another that has the same keys.
    private static String part(Map<?, ?> part) {
        boolean blank = part.get("text") instanceof String text && text.isBlank();
        return part.keySet() + (part.get("type") instanceof String type ? type : "") + blank;
    }

    private static void kind(String name, Object value, StringBuilder kind) {
        switch (value) {
            case null -> {}
            case String text when !name.equals("role") ->
                    kind.append(text.isBlank() ? "" : name).append(',');
            case List<?> items -> {
                kind.append(name);
                items.forEach(item -> kind.append(item instanceof Map<?, ?> map ? part(map) : ""));
            }
            default -> kind.append(name).append(',');
        }
    }
}
