package org.attune.langchain4j;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.json.JsonAnyOfSchema;
import dev.langchain4j.model.chat.request.json.JsonArraySchema;
import dev.langchain4j.model.chat.request.json.JsonBooleanSchema;
import dev.langchain4j.model.chat.request.json.JsonEnumSchema;
import dev.langchain4j.model.chat.request.json.JsonIntegerSchema;
import dev.langchain4j.model.chat.request.json.JsonNullSchema;
import dev.langchain4j.model.chat.request.json.JsonNumberSchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonReferenceSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import dev.langchain4j.model.chat.request.json.JsonStringSchema;

import org.attune.json.Json;
import org.attune.json.JsonException;

import java.util.LinkedHashMap;
import java.util.Map;

/// Writes schemas of LangChain4j as JSON Schema. An object without a word on further properties has
/// none: else a model could write any.
final class Schemas {
    private Schemas() {}

    static Object of(JsonSchemaElement element) {
        Map<String, Object> schema = new LinkedHashMap<>();
        switch (element) {
            case JsonObjectSchema object -> write(object, schema);
            case JsonArraySchema array -> {
                schema.put("type", "array");
                if (array.items() != null) {
                    schema.put("items", of(array.items()));
                }
            }
            case JsonStringSchema _ -> schema.put("type", "string");
            case JsonIntegerSchema _ -> schema.put("type", "integer");
            case JsonNumberSchema _ -> schema.put("type", "number");
            case JsonBooleanSchema _ -> schema.put("type", "boolean");
            case JsonNullSchema _ -> schema.put("type", "null");
            case JsonEnumSchema choice -> {
                schema.put("type", "string");
                schema.put("enum", choice.enumValues());
            }
            case JsonAnyOfSchema any ->
                    schema.put("anyOf", any.anyOf().stream().map(Schemas::of).toList());
            case JsonReferenceSchema reference ->
                    schema.put("$ref", "#/$defs/" + reference.reference());
            case JsonRawSchema raw -> {
                return parsed(raw);
            }
            default ->
                    throw new UnsupportedFeatureException(
                            "schemas of the class %s are not supported by Attune"
                                    .formatted(element.getClass().getSimpleName()));
        }
        if (element.description() != null) {
            schema.put("description", element.description());
        }
        return schema;
    }

    private static void write(JsonObjectSchema object, Map<String, Object> schema) {
        schema.put("type", "object");
        schema.put("properties", all(object.properties()));
        if (object.required() != null) {
            schema.put("required", object.required());
        }
        schema.put("additionalProperties", Boolean.TRUE.equals(object.additionalProperties()));
        if (object.definitions() != null && !object.definitions().isEmpty()) {
            schema.put("$defs", all(object.definitions()));
        }
    }

    private static Map<String, Object> all(Map<String, JsonSchemaElement> elements) {
        Map<String, Object> schemas = new LinkedHashMap<>();
        elements.forEach((name, element) -> schemas.put(name, of(element)));
        return schemas;
    }

    private static Object parsed(JsonRawSchema raw) {
        try {
            return Json.parse(raw.schema());
        } catch (JsonException e) {
            throw new InvalidRequestException("a raw schema is no JSON: " + e.getMessage(), e);
        }
    }
}
