package org.attune.text;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.images.Picture;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// One turn of a conversation: JSON fields in their original order, as chat templates see them
/// (`role`, `content`, `tool_calls`, `name`, `reasoning_content` …). Values are JSON values:
/// `Map<String,Object>`, `List<Object>`, `String`, `Long`, `BigInteger`, `Double`, `Boolean`,
/// `null`, or a picture in a part of the content.
@Api(STABLE)
public record Message(Map<String, Object> fields) {
    public Message {
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    /// A plain message.
    public static Message of(String role, String content) {
        var fields = new LinkedHashMap<String, Object>();
        fields.put("role", role);
        fields.put("content", content);
        return new Message(fields);
    }

    /// The role, or the empty string if the message has none.
    public String role() {
        return fields.get("role") instanceof String role ? role : "";
    }

    /// The text, that of its parts if it has some; the empty string if the message has none (a tool
    /// call, say).
    public String content() {
        if (fields.get("content") instanceof List<?> parts) {
            return parts.stream()
                    .map(part -> part instanceof Map<?, ?> map ? map.get("text") : null)
                    .filter(String.class::isInstance)
                    .map(String.class::cast)
                    .collect(Collectors.joining());
        }
        return fields.get("content") instanceof String content ? content : "";
    }

    /// The pictures of the content, if that is a list of parts.
    List<Picture> pictures() {
        if (!(fields.get("content") instanceof List<?> parts)) {
            return List.of();
        }
        return parts.stream()
                .map(part -> part instanceof Map<?, ?> map ? map.get("image") : null)
                .filter(Picture.class::isInstance)
                .map(Picture.class::cast)
                .toList();
    }
}
