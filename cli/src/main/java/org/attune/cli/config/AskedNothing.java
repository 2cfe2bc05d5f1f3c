package org.attune.cli.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/// Recognises values of a key that change nothing: its default in any spelling. Of keys that are
/// not obeyed also values that say "without": nothing, false, none, zero where zero switches it
/// off, lists and maps of such.
final class AskedNothing {
    private static final Set<String> FALSE = Set.of("false", "no", "off", "f", "n");
    private static final Set<String> TRUE = Set.of("true", "yes", "on", "t", "y", "1");
    private static final Set<String> NOTHING = Set.of("", "none", "null", "~");

    /// Keys whose default is null, with further values that change nothing.
    private static final Map<String, Set<String>> NEUTRAL =
            Map.of(
                    "rpo_alpha", Set.of("0"),
                    "world_size", Set.of("1"));

    private AskedNothing() {}

    static boolean by(Key key, YamlNode value) {
        JsonNode standard = standard(key);
        return isDefault(standard, value)
                || key.outcome() == Key.Outcome.REFUSED && isWithout(key, standard, value)
                || key.outcome() == Key.Outcome.NO_EFFECT && isEmpty(value);
    }

    private static JsonNode standard(Key key) {
        try {
            return Json.tree(key.foreignDefault());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("keys.tsv: default of " + key.name(), e);
        }
    }

    /// A key at TRL's default changes nothing, whatever its outcome.
    private static boolean isDefault(JsonNode standard, YamlNode value) {
        if (value.isNull()) {
            return true;
        }
        if (!(value instanceof YamlNode.Scalar scalar)) {
            return value.toString().replace(" ", "").equals(standard.toString().replace("\"", ""));
        }
        String text = scalar.text().strip();
        String lower = text.toLowerCase(Locale.ROOT);
        return switch (standard.getNodeType()) {
            case NULL -> NOTHING.contains(lower);
            case NUMBER -> isNumber(standard.doubleValue(), text);
            case BOOLEAN ->
                    standard.booleanValue()
                            ? TRUE.contains(lower)
                            : FALSE.contains(lower) || lower.equals("0");
            default -> lower.equals(standard.asText().toLowerCase(Locale.ROOT));
        };
    }

    private static boolean isEmpty(YamlNode value) {
        return switch (value) {
            case YamlNode.Scalar scalar ->
                    NOTHING.contains(scalar.text().strip().toLowerCase(Locale.ROOT));
            case YamlNode.Items(List<YamlNode> items, int _) -> items.isEmpty();
            case YamlNode.Fields(List<YamlNode.Field> fields, int _) -> fields.isEmpty();
        };
    }

    private static boolean isWithout(Key key, JsonNode standard, YamlNode value) {
        // Of a key that is on by default "no" asks for something; a number is no switch.
        boolean on = standard.isBoolean() && standard.booleanValue();
        boolean neutral =
                value instanceof YamlNode.Scalar scalar
                        && NEUTRAL.getOrDefault(key.name(), Set.of()).stream()
                                .anyMatch(n -> isNumber(Double.parseDouble(n), scalar.text()));
        return neutral || !on && isWithout(key, value);
    }

    private static boolean isWithout(Key key, YamlNode value) {
        return switch (value) {
            case YamlNode.Scalar scalar -> {
                String lower = scalar.text().strip().toLowerCase(Locale.ROOT);
                yield scalar.isNull() || NOTHING.contains(lower) || FALSE.contains(lower);
            }
            case YamlNode.Items(List<YamlNode> items, int _) ->
                    items.stream().allMatch(item -> isWithout(key, item));
            // Of accelerate's settings only one matters to a single process.
            case YamlNode.Fields(List<YamlNode.Field> fields, int _)
                    when key.name().equals("accelerator_config") ->
                    fields.stream()
                            .filter(f -> f.key().equals("gradient_accumulation_kwargs"))
                            .allMatch(f -> isWithout(key, f.value()));
            case YamlNode.Fields(List<YamlNode.Field> fields, int _) ->
                    fields.stream().allMatch(f -> isWithout(key, f.value()));
        };
    }

    private static boolean isNumber(double standard, String text) {
        try {
            return Double.parseDouble(text) == standard;
        } catch (NumberFormatException e) {
            return false;
        }
    }
}
