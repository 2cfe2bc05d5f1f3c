package org.attune.models.score;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.json.Json;
import org.attune.json.JsonException;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// What sentence-transformers' files in a folder say of a model's embeddings.
///
/// @param pooling of hidden states
/// @param width of embeddings
/// @param maxLength tokens of a text at most
/// @param isNormal whether vectors have length 1
/// @param lowers whether texts become lower case
/// @param takesMessages whether texts are a user's messages, where the model has a chat template
/// @param poolsPrompt whether the tokens of a prompt are pooled with those of the text
/// @param prompts what may stand before a text, by name
/// @param standard the name of the prompt that a text has unless another one is asked for
public record SentenceFiles(
        PoolingMode pooling,
        int width,
        OptionalInt maxLength,
        boolean isNormal,
        boolean lowers,
        boolean takesMessages,
        boolean poolsPrompt,
        Map<String, String> prompts,
        Optional<String> standard) {
    /// Names the modules of which a model is made.
    public static final String MODULES = "modules.json";

    /// Says how long texts may be.
    public static final String LENGTHS = "sentence_bert_config.json";

    /// Says what holds for the model as a whole.
    public static final String WHOLE = "config_sentence_transformers.json";

    private static final double UNBOUNDED = Integer.MAX_VALUE;
    private static final List<String> KNOWN = List.of("Transformer", "Pooling", "Normalize");

    public SentenceFiles {
        prompts = Map.copyOf(prompts);
    }

    /// What a folder says; empty if it isn't one of embeddings.
    ///
    /// @throws ModelException if its vectors are made in another way
    public static Optional<SentenceFiles> of(Path folder) {
        Path file = folder.resolve(MODULES);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        Map<String, String> paths = modules(file);
        if (!paths.containsKey("Pooling")) {
            return Optional.empty();
        }
        for (String module : paths.keySet()) {
            if (!KNOWN.contains(module)) {
                throw new ModelException(
                        "%s: the module %s isn't computed; accepted: %s"
                                .formatted(file, module, String.join(", ", KNOWN)));
            }
        }
        JsonFields pool =
                JsonFields.read(folder.resolve(paths.get("Pooling")).resolve("config.json"));
        JsonFields lengths = read(folder.resolve(LENGTHS));
        JsonFields whole = read(folder.resolve(WHOLE));
        Map<String, String> prompts = new LinkedHashMap<>();
        whole.object("prompts").ifPresent(p -> p.keys().forEach(k -> prompts.put(k, p.text(k))));
        return Optional.of(
                new SentenceFiles(
                        mode(pool),
                        pool.has("embedding_dimension")
                                ? pool.integer("embedding_dimension")
                                : pool.integer("word_embedding_dimension"),
                        length(folder, lengths),
                        paths.containsKey("Normalize"),
                        lengths.flag("do_lower_case", false),
                        lengths.object("modality_config").filter(m -> m.has("message")).isPresent(),
                        pool.flag("include_prompt", true),
                        prompts,
                        whole.optionalText("default_prompt_name")));
    }

    /// Newer versions keep the length with the tokenizer.
    private static OptionalInt length(Path folder, JsonFields lengths) {
        double most =
                lengths.number(
                        "max_seq_length",
                        read(folder.resolve("tokenizer_config.json"))
                                .number("model_max_length", UNBOUNDED));
        return most < UNBOUNDED ? OptionalInt.of((int) most) : OptionalInt.empty();
    }

    private static JsonFields read(Path file) {
        return Files.exists(file) ? JsonFields.read(file) : JsonFields.of("" + file, Map.of());
    }

    /// Where modules have their files, by the last part of their types.
    private static Map<String, String> modules(Path file) {
        try {
            Map<String, String> paths = new LinkedHashMap<>();
            if (Json.parse(Files.readString(file)) instanceof List<?> modules) {
                for (Object one : modules) {
                    if (one instanceof Map<?, ?> module
                            && module.get("type") instanceof String type
                            && module.get("path") instanceof String path
                            && !Path.of(path).isAbsolute()
                            && !path.contains("..")) {
                        paths.put(type.substring(type.lastIndexOf('.') + 1), path);
                    } else {
                        throw new ModelException(
                                file + ": a module has no type, or no path in the folder");
                    }
                }
                return paths;
            }
            throw new ModelException(file + ": it is no list of modules");
        } catch (JsonException e) {
            throw new ModelException(file + ": " + e.getMessage(), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static PoolingMode mode(JsonFields pool) {
        List<String> named = new ArrayList<>();
        if (pool.has("pooling_mode")) {
            named.add(pool.text("pooling_mode"));
        } else {
            pool.keys().stream()
                    .filter(k -> k.startsWith("pooling_mode_") && pool.flag(k, false))
                    .map(k -> k.replaceFirst("pooling_mode_(.*?)(_tokens?)?$", "$1"))
                    .forEach(named::add);
        }
        return switch (String.join(" and ", named)) {
            case "mean" -> PoolingMode.MEAN;
            case "lasttoken" -> PoolingMode.LASTTOKEN;
            default ->
                    throw new ModelException(
                            "%s: the pooling mode is %s; accepted: lasttoken or mean"
                                    .formatted(pool.where(), String.join(" and ", named)));
        };
    }
}
