package org.attune.serve;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.rollout.constraint.Constraint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/// What a request wants answers to look like: a schema, a pattern, one of some texts.
///
/// @param constraint empty: anything
/// @param call what an answer looks like that is a call instead; empty: none may be
record FormatRequest(Optional<Constraint> constraint, Optional<Constraint> call) {
    static final FormatRequest NONE = new FormatRequest(Optional.empty());

    private FormatRequest(Optional<Constraint> constraint) {
        this(constraint, Optional.empty());
    }

    /// This format, or a call.
    ///
    /// @param other what calls look like
    FormatRequest or(FormatRequest other) {
        Constraint calls = other.constraint.orElseThrow();
        var either = Constraint.anyOf(List.of(calls, constraint.orElseThrow()));
        return new FormatRequest(Optional.of(either), Optional.of(calls));
    }

    /// The keys that are read here.
    static final Set<String> KEYS = Set.of("response_format", "structured_outputs");

    private static final int MOST_CHOICES = 1000;
    private static final List<String> DEFINITIONS = List.of("$defs", "definitions");

    static FormatRequest read(Fields body) throws ApiException {
        Optional<Fields> format = body.object("response_format");
        Optional<Fields> outputs = body.object("structured_outputs");
        if (format.isPresent() && outputs.isPresent()) {
            throw body.bad("structured_outputs", "is given beside \"response_format\"");
        }
        if (format.isPresent()) {
            return ofFormat(format.get());
        }
        return outputs.isPresent() ? ofOutputs(outputs.get()) : NONE;
    }

    private static FormatRequest ofFormat(Fields format) throws ApiException {
        String type = format.text("type").orElseThrow(() -> format.bad("type", "is missing"));
        return switch (type) {
            case "text" -> NONE;
            case "json_object" -> new FormatRequest(Optional.of(Constraint.jsonObject()));
            case "json_schema" -> {
                Fields named =
                        format.object("json_schema")
                                .orElseThrow(() -> format.bad("json_schema", "is missing"));
                named.require(Set.of("name", "description", "schema", "strict"), Map.of());
                if (!named.has("schema")) {
                    throw named.bad("schema", "is missing");
                }
                yield ofSchema(named, "schema", named.value("schema"));
            }
            default ->
                    throw format.bad(
                            "type",
                            "is \"%s\"; accepted: text, json_object, json_schema".formatted(type));
        };
    }

    private static FormatRequest ofOutputs(Fields outputs) throws ApiException {
        outputs.require(Set.of("json", "regex", "choice", "grammar", "json_object"), Map.of());
        if (outputs.all().values().stream().filter(v -> v != null).count() != 1) {
            throw ApiException.bad(
                    "structured_outputs",
                    "\"structured_outputs\" has exactly one of json, regex, choice, grammar,"
                            + " json_object");
        }
        if (outputs.has("json")) {
            return ofSchema(outputs, "json", outputs.value("json"));
        }
        if (outputs.flag("json_object", false)) {
            return new FormatRequest(Optional.of(Constraint.jsonObject()));
        }
        Optional<String> regex = outputs.text("regex");
        if (regex.isPresent()) {
            return made(outputs, "regex", () -> Constraint.regex(regex.get()));
        }
        Optional<String> grammar = outputs.text("grammar");
        if (grammar.isPresent()) {
            return made(
                    outputs,
                    "grammar",
                    () ->
                            grammar.get().contains("::=")
                                    ? Constraint.gbnf(grammar.get())
                                    : Constraint.lark(grammar.get()));
        }
        List<?> choices = outputs.list("choice", MOST_CHOICES);
        return made(
                outputs,
                "choice",
                () -> Constraint.choice(choices.stream().map(String::valueOf).toList()));
    }

    private static FormatRequest ofSchema(Fields fields, String key, Object schema)
            throws ApiException {
        JsonNode tree = Json.MAPPER.valueToTree(schema);
        return made(fields, key, () -> Constraint.jsonSchema(tree));
    }

    private static FormatRequest made(Fields fields, String key, Supplier<Constraint> maker)
            throws ApiException {
        try {
            return new FormatRequest(Optional.of(maker.get()));
        } catch (ConfigException e) {
            throw fields.bad(key, "can't be held to: " + e.getMessage());
        }
    }

    /// The sampling of answers in a format: a token that ends answers must end them.
    static Sampling ending(Sampling sampling, FormatRequest format, ServedModel model) {
        return format.constraint().isPresent() ? sampling.endingBy(model.stopIds()) : sampling;
    }

    /// An answer that is a call of one of some tools.
    ///
    /// @param tools as requests have them
    static FormatRequest ofCall(Fields body, List<Object> tools) throws ApiException {
        List<Object> calls = new ArrayList<>();
        Map<Object, Object> shared = new LinkedHashMap<>(); // references lead to the root
        for (Object tool : tools) {
            Map<Object, Object> arguments = new LinkedHashMap<>(parameters(function(tool)));
            for (String key : DEFINITIONS) {
                if (arguments.remove(key) instanceof Map<?, ?> definitions) {
                    share(body, key, definitions, shared);
                }
            }
            Map<String, Object> parts = new LinkedHashMap<>();
            parts.put("name", Map.of("const", name(tool)));
            parts.put("arguments", arguments);
            Map<String, Object> call = new LinkedHashMap<>();
            call.put("type", "object");
            call.put("properties", parts);
            call.put("required", List.of("name", "arguments"));
            call.put("additionalProperties", false);
            calls.add(call);
        }
        shared.put("anyOf", calls);
        return ofSchema(body, "tools", shared);
    }

    private static void share(
            Fields body, String key, Map<?, ?> definitions, Map<Object, Object> shared)
            throws ApiException {
        Map<Object, Object> all = new LinkedHashMap<>();
        if (shared.get(key) instanceof Map<?, ?> before) {
            all.putAll(before);
        }
        for (Map.Entry<?, ?> one : definitions.entrySet()) {
            Object other = all.put(one.getKey(), one.getValue());
            if (other != null && !other.equals(one.getValue())) {
                throw body.bad(
                        "tools",
                        "define %s in two ways (%s); name one of the tools in tool_choice"
                                .formatted(one.getKey(), key));
            }
        }
        shared.put(key, all);
    }

    /// An answer that is the arguments of a tool.
    static FormatRequest ofArguments(Fields body, Object tool) throws ApiException {
        return ofSchema(body, "tools", parameters(function(tool)));
    }

    private static Map<?, ?> function(Object tool) {
        return (Map<?, ?>) ((Map<?, ?>) tool).get("function");
    }

    /// The name of a tool.
    static String name(Object tool) {
        return (String) function(tool).get("name");
    }

    private static Map<?, ?> parameters(Map<?, ?> function) {
        return function.get("parameters") instanceof Map<?, ?> given && !given.isEmpty()
                ? given
                : Map.of("type", "object", "properties", Map.of(), "additionalProperties", false);
    }
}
