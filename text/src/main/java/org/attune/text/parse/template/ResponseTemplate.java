package org.attune.text.parse.template;

import org.attune.error.ModelException;
import org.attune.error.Spelling;
import org.attune.text.parse.turn.PythonPattern;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A model's own description of how its turns are read: `response_template` in
/// `tokenizer_config.json`, [Hugging Face's
/// format](https://huggingface.co/docs/transformers/chat_response_parsing), version 1.
///
/// @param defaults values of the message that the text needn't give
/// @param anchor what the assistant's turn begins after, in a prompt
/// @param fields parts of the message, by name; at most one of them opens by itself
public record ResponseTemplate(
        Map<String, Object> defaults, PythonPattern anchor, Map<String, ResponseField> fields) {
    private static final Set<String> KEYS =
            Set.of("version", "defaults", "fields", "start_anchor", "start_anchor_pattern");
    private static final Set<String> FIELD_KEYS =
            Set.of(
                    "open",
                    "open_pattern",
                    "close",
                    "close_pattern",
                    "content",
                    "content_args",
                    "repeats",
                    "join",
                    "optional",
                    "transform",
                    "transform_each");

    public ResponseTemplate {
        defaults = Collections.unmodifiableMap(new LinkedHashMap<>(defaults));
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    /// Reads a description.
    ///
    /// @param name where it comes from; stands in messages
    /// @param value a JSON value
    /// @throws ModelException if it is none of version 1
    public static ResponseTemplate read(String name, Object value) {
        return new Reading(name).template(value);
    }

    /// The field that takes what belongs to no other.
    Optional<ResponseField> implicit() {
        return fields.values().stream().filter(field -> field.open().isEmpty()).findFirst();
    }

    /// Whether what opens a field holds a text.
    public boolean opens(String field, String text) {
        ResponseField found = fields.get(field);
        return found != null
                && found.open()
                        .filter(o -> o.pattern().pattern().replace("\\", "").contains(text))
                        .isPresent();
    }

    /// What of a prompt belongs to the turn: all behind the last anchor, or all if there is none.
    String promptEnd(String prompt) {
        int end =
                anchor.on(
                        prompt,
                        matcher -> {
                            int last = 0;
                            while (matcher.find()) {
                                last = matcher.end();
                            }
                            return last;
                        });
        return prompt.substring(end);
    }

    private record Reading(String name) {
        ResponseTemplate template(Object value) {
            Map<String, Object> spec = object("response_template", value);
            requireKnown("response_template", spec, KEYS);
            if (!Long.valueOf(1).equals(spec.getOrDefault("version", 1L))) {
                throw refused("version is " + spec.get("version") + "; version 1 can be read");
            }
            Map<String, Object> fields = object("fields", spec.getOrDefault("fields", Map.of()));
            if (fields.isEmpty()) {
                throw refused("there are no fields");
            }
            var read = new LinkedHashMap<String, ResponseField>();
            fields.forEach((key, field) -> read.put(key, field(key, object(key, field))));
            List<String> implicit =
                    read.values().stream()
                            .filter(field -> field.open().isEmpty())
                            .map(ResponseField::name)
                            .toList();
            if (implicit.size() > 1) {
                throw refused("only one field may have no open: " + String.join(", ", implicit));
            }
            PythonPattern anchor =
                    pattern("response_template", spec, "start_anchor", "start_anchor_pattern")
                            .orElseThrow(() -> refused("start_anchor is missing"));
            return new ResponseTemplate(
                    object("defaults", spec.getOrDefault("defaults", Map.of())), anchor, read);
        }

        private ResponseField field(String key, Map<String, Object> spec) {
            requireKnown(key, spec, FIELD_KEYS);
            Optional<PythonPattern> open = pattern(key, spec, "open", "open_pattern");
            Optional<PythonPattern> close = pattern(key, spec, "close", "close_pattern");
            boolean repeats = flag(key, spec, "repeats", false);
            Optional<String> join = Optional.ofNullable(spec.get("join")).map(t -> text(key, t));
            if (join.isPresent() && !repeats) {
                throw refused(key + ": join needs repeats: true");
            }
            Optional<Object> transform = Optional.ofNullable(spec.get("transform"));
            boolean each = flag(key, spec, "transform_each", false);
            requireTransform(key, transform, each, open, close);
            String parser = text(key, spec.getOrDefault("content", "text"));
            Map<String, Object> args = object(key, spec.getOrDefault("content_args", Map.of()));
            boolean optional = flag(key, spec, "optional", true);
            return new ResponseField(
                    key,
                    open,
                    close,
                    parser,
                    args,
                    reader(key, parser, args),
                    repeats,
                    join,
                    optional,
                    transform,
                    each);
        }

        private ContentReader reader(String key, String parser, Map<String, Object> args) {
            try {
                return ContentReader.of(parser, args);
            } catch (IllegalArgumentException e) {
                throw refused(key + ": " + e.getMessage());
            }
        }

        private void requireTransform(
                String key,
                Optional<Object> transform,
                boolean each,
                Optional<PythonPattern> open,
                Optional<PythonPattern> close) {
            if (transform.isPresent()) {
                String problem = Transform.problem(transform.get());
                if (problem != null) {
                    throw refused(key + ": " + problem);
                }
                return;
            }
            if (each) {
                throw refused(key + ": transform_each needs a transform");
            }
            String named =
                    Stream.of(open, close)
                            .flatMap(Optional::stream)
                            .flatMap(pattern -> pattern.groups().keySet().stream())
                            .collect(Collectors.joining(", "));
            if (!named.isEmpty()) {
                throw refused(key + ": groups that no transform uses: " + named);
            }
        }

        private Optional<PythonPattern> pattern(
                String key, Map<String, Object> spec, String literal, String pattern) {
            if (spec.containsKey(literal) && spec.containsKey(pattern)) {
                throw refused(key + ": " + literal + " and " + pattern + " don't go together");
            }
            try {
                if (spec.containsKey(literal)) {
                    return Optional.of(PythonPattern.ofLiterals(literals(key, spec.get(literal))));
                }
                return spec.containsKey(pattern)
                        ? Optional.of(PythonPattern.compile(text(key, spec.get(pattern))))
                        : Optional.empty();
            } catch (PatternSyntaxException e) {
                throw refused(key + ": " + e.getMessage());
            }
        }

        private List<String> literals(String key, Object value) {
            var literals = new ArrayList<String>();
            for (Object item : value instanceof List<?> list ? list : List.of(value)) {
                literals.add(text(key, item));
            }
            if (literals.isEmpty() || literals.contains("")) {
                throw refused(key + ": a text to look for is empty");
            }
            return literals;
        }

        private void requireKnown(String key, Map<String, Object> spec, Set<String> known) {
            for (String given : spec.keySet()) {
                if (!known.contains(given)) {
                    String meant =
                            Spelling.nearest(given, known).map(k -> "; meant: " + k).orElse("");
                    throw refused(key + ": unknown key " + given + meant);
                }
            }
        }

        private boolean flag(String key, Map<String, Object> spec, String flag, boolean absent) {
            if (spec.getOrDefault(flag, absent) instanceof Boolean value) {
                return value;
            }
            throw refused(key + ": " + flag + " must be true or false");
        }

        private String text(String key, Object value) {
            if (value instanceof String text) {
                return text;
            }
            throw refused(key + ": a text was expected, got " + value);
        }

        @SuppressWarnings("unchecked") // keys of JSON objects are strings
        private Map<String, Object> object(String key, Object value) {
            if (value instanceof Map<?, ?> map) {
                return (Map<String, Object>) map;
            }
            throw refused(key + " must be an object");
        }

        private ModelException refused(String problem) {
            return new ModelException(name + ", response_template: " + problem);
        }
    }
}
