package org.attune.reward.builtin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaException;

import org.attune.error.ConfigException;
import org.attune.files.GivenPath;
import org.attune.files.GivenText;
import org.attune.json.Json;
import org.attune.reward.PerCompletion;
import org.attune.reward.RewardFunction;

import java.io.IOException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Rewards for well-formed JSON.
final class JsonRewards {
    private static final Pattern FENCE = Pattern.compile("(?s)```(?:json)?\\s*\\n(.*?)```");

    private JsonRewards() {}

    /// 1 if the completion is one JSON value, else 0. Parameters: `from`: `text` (all of it) or
    /// `fence` (the first code block between three backticks, or else all of it), `type`: `any`,
    /// `object` or `array`.
    static RewardFunction valid(String name, Parameters parameters) {
        boolean fenced = parameters.choice("from", "text", "fence").equals("fence");
        String type = parameters.choice("type", "any", "object", "array");
        parameters.check();
        return new PerCompletion(
                name,
                row ->
                        parse(row.text(), fenced)
                                        .filter(
                                                value ->
                                                        switch (type) {
                                                            case "object" -> value.isObject();
                                                            case "array" -> value.isArray();
                                                            default -> true;
                                                        })
                                        .isPresent()
                                ? 1
                                : 0);
    }

    /// 1 if the completion is JSON that its schema allows; `valid_reward` (0) if it is some other
    /// JSON; else 0. Parameters: `schema` (in place) or `schema_file`, `from` as for
    /// `json_valid`. Schemas are draft 2020-12 unless they name another in `$schema`; nothing is
    /// ever fetched from the network.
    static RewardFunction schema(String name, Parameters parameters) {
        boolean fenced = parameters.choice("from", "text", "fence").equals("fence");
        double validReward = parameters.number("valid_reward", 0);
        Object inPlace = parameters.object("schema");
        String file = parameters.text("schema_file", "");
        if (inPlace == null == file.isEmpty()) {
            parameters.problem("exactly one of schema and schema_file is needed");
        }
        parameters.check();
        JsonNode source = inPlace == null ? read(name, file) : Json.MAPPER.valueToTree(inPlace);
        JsonSchema schema = compile(name, source);
        return new PerCompletion(
                name,
                row ->
                        parse(row.text(), fenced)
                                .map(value -> schema.validate(value).isEmpty() ? 1 : validReward)
                                .orElse(0.0));
    }

    private static JsonNode read(String name, String file) {
        try {
            return Json.STRICT.readTree(GivenText.read(GivenPath.of(file)));
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    "reward \"%s\": %s:%d: the schema is no JSON: %s"
                            .formatted(
                                    name,
                                    file,
                                    e.getLocation().getLineNr(),
                                    e.getOriginalMessage()),
                    e);
        } catch (IOException e) {
            throw new ConfigException(
                    "reward \"%s\": can't read schema_file %s: %s"
                            .formatted(name, GivenPath.of(file).toAbsolutePath(), e.getMessage()),
                    e);
        }
    }

    private static JsonSchema compile(String name, JsonNode source) {
        try {
            return OfflineSchema.of(source);
        } catch (JsonSchemaException e) {
            throw new ConfigException(
                    "reward \"%s\": the schema can't be used: %s".formatted(name, e.getMessage()),
                    e);
        }
    }

    private static Optional<JsonNode> parse(String text, boolean fenced) {
        String json = text;
        if (fenced) {
            Matcher fence = FENCE.matcher(text);
            if (fence.find()) {
                json = fence.group(1);
            }
        }
        try {
            JsonNode value = Json.STRICT.readTree(json);
            return value.isMissingNode() ? Optional.empty() : Optional.of(value);
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }
}
