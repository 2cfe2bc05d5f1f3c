package org.attune.text;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.images.Picture;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A conversation, as a chat template renders it.
///
/// @param messages  the turns, oldest first
/// @param tools     JSON schemas of the tools, or empty for none
/// @param variables further template variables (`chat_template_kwargs`, documents …)
@Api(EXPERIMENTAL)
public record Conversation(
        List<Message> messages, List<Object> tools, Map<String, Object> variables) {
    public Conversation {
        messages = List.copyOf(messages);
        tools = Collections.unmodifiableList(tools);
        variables = Collections.unmodifiableMap(new LinkedHashMap<>(variables));
    }

    /// A conversation without tools.
    public static Conversation of(List<Message> messages) {
        return new Conversation(messages, List.of(), Map.of());
    }

    /// A message with pictures before its text; a plain one where there are none.
    ///
    /// @param pictures in order
    public static Message message(String role, List<Picture> pictures, String content) {
        if (pictures.isEmpty()) {
            return Message.of(role, content);
        }
        List<Object> parts = new ArrayList<>();
        pictures.forEach(picture -> parts.add(part("image", picture)));
        parts.add(part("text", content));
        var fields = new LinkedHashMap<String, Object>();
        fields.put("role", role);
        fields.put("content", parts);
        return new Message(fields);
    }

    private static Map<String, Object> part(String type, Object value) {
        var part = new LinkedHashMap<String, Object>();
        part.put("type", type);
        part.put(type, value);
        return part;
    }

    /// The pictures of a message.
    public static List<Picture> pictures(Message message) {
        return message.pictures();
    }

    /// The pictures of all messages: values of `image` in parts `{"type": "image", "image": …}`.
    public List<Picture> pictures() {
        return messages.stream().flatMap(message -> message.pictures().stream()).toList();
    }

    /// Replaces the messages; tools and variables stay.
    public Conversation withMessages(List<Message> other) {
        return new Conversation(other, tools, variables);
    }
}
