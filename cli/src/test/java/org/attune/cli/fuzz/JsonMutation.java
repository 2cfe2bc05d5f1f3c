package org.attune.cli.fuzz;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ContainerNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/// Changes of a JSON text that leave it JSON: values of other types and sizes, keys that are
/// missing, renamed or there twice.
final class JsonMutation {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final JsonMapper JSON =
            JsonMapper.builder().disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS).build();

    private final RandomGenerator random;

    /// Of this object the first field is written again at its end.
    private JsonNode doubled;

    private JsonMutation(RandomGenerator random) {
        this.random = random;
    }

    /// A changed text, or empty if `json` is none or has no inside.
    static Optional<byte[]> of(byte[] json, RandomGenerator random) {
        try {
            JsonNode root = JSON.readTree(new String(json, StandardCharsets.UTF_8));
            if (!(root instanceof ContainerNode<?> container) || container.isEmpty()) {
                return Optional.empty();
            }
            var mutation = new JsonMutation(random);
            for (int i = random.nextInt(3); i >= 0; i--) {
                mutation.change(root);
            }
            return Optional.of(mutation.text(root).getBytes(StandardCharsets.UTF_8));
        } catch (JsonProcessingException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private void change(JsonNode root) {
        // From top to bottom, so that the few fields of outer objects have their turn.
        JsonNode at = root;
        while (true) {
            List<JsonNode> inner = new ArrayList<>();
            at.forEach(child -> inner.add(child));
            inner.removeIf(child -> !child.isContainerNode() || child.isEmpty());
            if (inner.isEmpty() || random.nextInt(3) == 0) {
                break;
            }
            at = Odd.pick(inner, random);
        }
        if (at instanceof ObjectNode object) {
            change(object);
        } else if (at instanceof ArrayNode array && !array.isEmpty()) {
            change(array);
        }
    }

    private void change(ObjectNode object) {
        List<String> keys = new ArrayList<>();
        object.fieldNames().forEachRemaining(keys::add);
        if (keys.isEmpty()) {
            return;
        }
        String key = Odd.pick(keys, random);
        switch (random.nextInt(10)) {
            case 0 -> object.remove(key);
            case 1 -> object.set(Odd.text(random), object.remove(key));
            case 2 -> doubled = object;
            case 3 -> object.set(Odd.text(random), value(object.get(key)));
            case 4 -> object.set(key, object.get(Odd.pick(keys, random)).deepCopy());
            default -> object.set(key, value(object.get(key)));
        }
    }

    private void change(ArrayNode array) {
        int place = random.nextInt(array.size());
        switch (random.nextInt(8)) {
            case 0 -> array.remove(place);
            case 1 -> array.insert(place, array.get(random.nextInt(array.size())).deepCopy());
            case 2 -> array.removeAll();
            case 3 -> array.insert(place, value(array.get(place)));
            default -> array.set(place, value(array.get(place)));
        }
    }

    private JsonNode value(JsonNode old) {
        return switch (random.nextInt(old.isNumber() ? 24 : 14)) {
            case 0 -> NODES.nullNode();
            case 1 -> NODES.booleanNode(random.nextBoolean());
            case 2, 3 -> NODES.textNode(Odd.text(random));
            case 4 -> NODES.numberNode(Odd.number(random));
            case 5 -> NODES.numberNode(Odd.large(random));
            case 6 -> NODES.objectNode();
            case 7 -> NODES.arrayNode();
            case 8 -> NODES.arrayNode().add(old.deepCopy());
            case 9 -> NODES.objectNode().set(Odd.text(random), old.deepCopy());
            case 10 -> deep(old);
            case 11 -> old.isTextual() ? NODES.textNode(mixed(old.textValue())) : NODES.nullNode();
            default -> NODES.numberNode(Odd.integer(random));
        };
    }

    private String mixed(String text) {
        int place = random.nextInt(text.length() + 1);
        return text.substring(0, place) + Odd.text(random) + text.substring(place);
    }

    private JsonNode deep(JsonNode old) {
        JsonNode nested = old.deepCopy();
        for (int i = random.nextInt(2000); i > 0; i--) {
            nested = NODES.arrayNode().add(nested);
        }
        return nested;
    }

    private String text(JsonNode root) throws IOException {
        var text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            write(root, json);
        }
        return text.toString();
    }

    private void write(JsonNode node, JsonGenerator json) throws IOException {
        if (node instanceof ObjectNode object) {
            json.writeStartObject();
            for (var field : object.properties()) {
                json.writeFieldName(field.getKey());
                write(field.getValue(), json);
            }
            if (node == doubled && !object.isEmpty()) {
                var first = object.properties().iterator().next();
                json.writeFieldName(first.getKey());
                write(value(first.getValue()), json);
            }
            json.writeEndObject();
        } else if (node instanceof ArrayNode array) {
            json.writeStartArray();
            for (JsonNode item : array) {
                write(item, json);
            }
            json.writeEndArray();
        } else {
            JSON.writeValue(json, node);
        }
    }
}
