package org.attune.serve;

import org.attune.json.Json;
import org.attune.json.JsonException;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;

/// What `POST /v1/fine_tuning/jobs` asks for: rows, a method and its hyperparameters, of which
/// `auto` is a choice of this server.
///
/// @param method `supervised` or `dpo`
/// @param epochs passes over the rows
/// @param batchSize rows of a step
/// @param rate multiplier of the learning rate
/// @param beta strength of the pull to the model at the start; of `dpo` alone
record TuningRequest(
        String model,
        String trainingFile,
        Optional<String> validationFile,
        Optional<String> suffix,
        long seed,
        String method,
        long epochs,
        long batchSize,
        double rate,
        OptionalDouble beta,
        Map<String, Object> metadata) {
    private static final String SUPERVISED = "supervised";
    private static final String DPO = "dpo";

    /// For adapters; OpenAI's own are not published.
    private static final Map<String, Double> RATES = Map.of(SUPERVISED, 2e-4, DPO, 5e-5);

    private static final Map<String, String> REFUSED =
            Map.of("integrations", "runs have report_to for trackers; leave it out");

    static TuningRequest of(Fields body) throws ApiException {
        body.require(
                Set.of(
                        "model",
                        "training_file",
                        "validation_file",
                        "suffix",
                        "seed",
                        "hyperparameters",
                        "method",
                        "metadata"),
                REFUSED);
        Optional<Fields> method = body.object("method");
        String name = SUPERVISED;
        Optional<Fields> chosen = body.object("hyperparameters");
        if (method.isPresent()) {
            name = method.get().text("type").orElse(SUPERVISED);
            if (!RATES.containsKey(name)) {
                throw method.get()
                        .bad("type", "is \"%s\"; accepted: supervised, dpo".formatted(name));
            }
            method.get().require(Set.of("type", name), Map.of());
            Optional<Fields> own = method.get().object(name);
            if (own.isPresent()) {
                own.get().require(Set.of("hyperparameters"), Map.of());
                chosen = own.get().object("hyperparameters");
            }
        }
        Fields values = chosen.orElse(Fields.of(Map.of()));
        Set<String> known =
                name.equals(DPO)
                        ? Set.of("n_epochs", "batch_size", "learning_rate_multiplier", "beta")
                        : Set.of("n_epochs", "batch_size", "learning_rate_multiplier");
        values.require(known, Map.of());
        Optional<String> suffix = body.text("suffix");
        if (suffix.isPresent() && !suffix.get().matches("[\\w.-]{1,64}")) {
            throw body.bad("suffix", "isn't 1 to 64 letters, digits, . _ -");
        }
        return new TuningRequest(
                needed(body, "model"),
                needed(body, "training_file"),
                body.text("validation_file"),
                suffix,
                body.integer("seed", 0, Integer.MAX_VALUE).orElse(42),
                name,
                whole(values, "n_epochs", 1000).orElse(3),
                whole(values, "batch_size", 1024).orElse(8),
                number(values, "learning_rate_multiplier").orElse(1),
                name.equals(DPO)
                        ? OptionalDouble.of(number(values, "beta").orElse(0.1))
                        : OptionalDouble.empty(),
                body.object("metadata").map(Fields::all).orElse(Map.of()));
    }

    private static String needed(Fields body, String key) throws ApiException {
        return body.text(key).orElseThrow(() -> body.bad(key, "is missing"));
    }

    private static boolean isAuto(Fields values, String key) {
        return "auto".equals(values.value(key));
    }

    private static OptionalLong whole(Fields values, String key, long most) throws ApiException {
        return isAuto(values, key) ? OptionalLong.empty() : values.integer(key, 1, most);
    }

    private static OptionalDouble number(Fields values, String key) throws ApiException {
        return isAuto(values, key) ? OptionalDouble.empty() : values.number(key, 1e-6, 1e6);
    }

    /// The command of the method.
    static String command(String method) {
        return method.equals(DPO) ? "dpo" : "sft";
    }

    double learningRate() {
        return RATES.get(method) * rate;
    }

    Map<String, Object> hyperparameters() {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("n_epochs", epochs);
        values.put("batch_size", batchSize);
        values.put("learning_rate_multiplier", rate);
        beta.ifPresent(b -> values.put("beta", b));
        return values;
    }

    /// Rows of OpenAI's form as a run reads them, a line each.
    ///
    /// @throws ApiException naming the line of a row of another form
    String rows(byte[] file, String name) throws ApiException {
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(file)).toString();
        } catch (CharacterCodingException e) {
            throw ApiException.bad(name, "the file of \"%s\" is no UTF-8".formatted(name));
        }
        var rows = new StringBuilder();
        List<String> lines = text.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).isBlank()) {
                String where = "the file of \"%s\", line %d".formatted(name, i + 1);
                rows.append(Json.write(row(lines.get(i), name, where))).append('\n');
            }
        }
        if (rows.isEmpty()) {
            throw ApiException.bad(name, "the file of \"%s\" has no rows".formatted(name));
        }
        return rows.toString();
    }

    private Map<?, ?> row(String line, String name, String where) throws ApiException {
        Object value;
        try {
            value = Json.parse(line);
        } catch (JsonException e) {
            throw ApiException.bad(name, where + " is no JSON: " + e.getMessage());
        }
        if (method.equals(DPO)) {
            if (value instanceof Map<?, ?> row
                    && row.get("input") instanceof Map<?, ?> input
                    && input.get("messages") instanceof List<?> prompt
                    && row.get("preferred_output") instanceof List<?> chosen
                    && row.get("non_preferred_output") instanceof List<?> rejected) {
                Map<String, Object> pair = new LinkedHashMap<>();
                pair.put("prompt", prompt);
                pair.put("chosen", chosen);
                pair.put("rejected", rejected);
                if (input.get("tools") instanceof List<?> tools && !tools.isEmpty()) {
                    pair.put("tools", tools);
                }
                return pair;
            }
            throw ApiException.bad(
                    name,
                    where
                            + " isn't {\"input\": {\"messages\": […]}, \"preferred_output\": […],"
                            + " \"non_preferred_output\": […]}");
        }
        if (value instanceof Map<?, ?> row && row.get("messages") instanceof List<?> messages) {
            Map<String, Object> turns = new LinkedHashMap<>();
            turns.put("messages", messages);
            if (row.get("tools") instanceof List<?> tools && !tools.isEmpty()) {
                turns.put("tools", tools);
            }
            return turns;
        }
        throw ApiException.bad(name, where + " isn't {\"messages\": […]}");
    }
}
