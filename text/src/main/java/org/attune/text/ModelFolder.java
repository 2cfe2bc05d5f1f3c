package org.attune.text;

import org.attune.error.ModelException;
import org.attune.json.Json;
import org.attune.json.JsonException;
import org.attune.text.vocab.TokenizerJson;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// The text files of a Hugging Face model folder.
final class ModelFolder {
    private static final List<String> ROLES =
            List.of(
                    "bos_token",
                    "eos_token",
                    "unk_token",
                    "sep_token",
                    "pad_token",
                    "cls_token",
                    "mask_token");

    private final Path folder;
    private final Map<String, Object> config;

    /// Made on first use.
    private TokenizerJson.OfFile other;

    ModelFolder(Path folder) {
        this.folder = folder;
        this.config = json("tokenizer_config.json");
    }

    /// The text of a `tokenizer.json`: the folder's, or one made of its other vocabulary.
    ///
    /// @throws ModelException if the folder has no vocabulary that Attune reads
    String tokenizerJson() {
        return text("tokenizer.json")
                .or(() -> other().map(TokenizerJson.OfFile::text))
                .orElseThrow(
                        () ->
                                new ModelException(
                                        ("%s is missing; accepted: tokenizer.json, %s. Save the"
                                                        + " tokenizer again with transformers'"
                                                        + " save_pretrained")
                                                .formatted(
                                                        folder.resolve("tokenizer.json"),
                                                        String.join(", ", TokenizerJson.FILES))));
    }

    /// The file that the vocabulary is read from, for messages.
    Path vocabulary() {
        return Stream.concat(Stream.of("tokenizer.json"), TokenizerJson.FILES.stream())
                .map(folder::resolve)
                .filter(Files::exists)
                .findFirst()
                .orElse(folder.resolve("tokenizer.json"));
    }

    private Optional<TokenizerJson.OfFile> other() {
        Path file = vocabulary();
        if (Files.exists(folder.resolve("tokenizer.json")) || !Files.exists(file)) {
            return Optional.empty();
        }
        if (other == null) {
            try {
                requireOwn(file);
            } catch (IOException e) {
                throw new ModelException(file + " can't be read: " + e.getMessage(), e);
            }
            other = TokenizerJson.ofFile(file, config);
        }
        return Optional.of(other);
    }

    /// Special tokens as `tokenizer_config.json` names them, completed from
    /// `special_tokens_map.json`, and BOS and EOS by their ids from `config.json`.
    SpecialTokens specialTokens(Vocabulary vocabulary) {
        var byRole = new LinkedHashMap<String, String>();
        Map<String, Object> map = json("special_tokens_map.json");
        for (String role : ROLES) {
            Object token = config.containsKey(role) ? config.get(role) : map.get(role);
            content(token).ifPresent(text -> byRole.put(role, text));
        }
        if (config.get("extra_special_tokens") instanceof Map<?, ?> extra) {
            extra.forEach(
                    (role, token) ->
                            content(token).ifPresent(text -> byRole.put((String) role, text)));
        }
        other().ifPresent(
                        own ->
                                own.specials()
                                        .forEach(
                                                (role, token) -> {
                                                    if (!config.containsKey(role)) {
                                                        byRole.putIfAbsent(role, token);
                                                    }
                                                }));
        Map<String, Object> model = json("config.json");
        for (String role : List.of("bos_token", "eos_token")) {
            if (!byRole.containsKey(role) && !config.containsKey(role)) {
                tokenById(model.get(role + "_id"), vocabulary)
                        .ifPresent(text -> byRole.put(role, text));
            }
        }
        return new SpecialTokens(byRole);
    }

    /// A token stands as text or as an object with its text.
    private static Optional<String> content(Object token) {
        Object text = token instanceof Map<?, ?> object ? object.get("content") : token;
        return text instanceof String string ? Optional.of(string) : Optional.empty();
    }

    private static Optional<String> tokenById(Object id, Vocabulary vocabulary) {
        Object first = id instanceof List<?> ids && !ids.isEmpty() ? ids.getFirst() : id;
        return first instanceof Long number
                ? Optional.ofNullable(vocabulary.token(number.intValue()))
                : Optional.empty();
    }

    /// A token that only `tokenizer_config.json` has would be cut into pieces unnoticed.
    void requireAddedTokens(Vocabulary vocabulary) {
        if (!(config.get("added_tokens_decoder") instanceof Map<?, ?> tokens)) {
            return;
        }
        tokens.forEach(
                (id, token) -> {
                    String text = content(token).orElse("");
                    if (!text.isEmpty() && vocabulary.id(text).isEmpty()) {
                        throw new ModelException(
                                folder
                                        + ": tokenizer_config.json has the token \""
                                        + text
                                        + "\" (id "
                                        + id
                                        + ") but "
                                        + vocabulary().getFileName()
                                        + " lacks it. Save the tokenizer again"
                                        + " with transformers' save_pretrained");
                    }
                });
    }

    /// The chat template and, if there is one, that for conversations with tools.
    Optional<TemplateSources> templates() {
        Optional<String> file = text("chat_template.jinja");
        if (file.isPresent()) {
            return Optional.of(
                    new TemplateSources(
                            folder.resolve("chat_template.jinja").toString(),
                            file.get(),
                            text("additional_chat_templates/tool_use.jinja")));
        }
        Map<String, Object> alone = json("chat_template.json");
        boolean inConfig = config.get("chat_template") != null;
        Object template = (inConfig ? config : alone).get("chat_template");
        String name =
                folder.resolve(inConfig ? "tokenizer_config.json" : "chat_template.json")
                        .toString();
        return switch (template) {
            case String source -> Optional.of(new TemplateSources(name, source, Optional.empty()));
            case List<?> several -> named(name, several);
            case null, default -> Optional.empty();
        };
    }

    private static Optional<TemplateSources> named(String name, List<?> templates) {
        var byName = new LinkedHashMap<Object, String>();
        for (Object item : templates) {
            if (item instanceof Map<?, ?> map && map.get("template") instanceof String source) {
                byName.put(map.get("name"), source);
            }
        }
        String source = byName.get("default");
        if (source == null) {
            throw new ModelException(
                    name
                            + ": chat_template lists the templates "
                            + byName.keySet()
                            + " but none is named default; choose one with chat_template_path");
        }
        return Optional.of(
                new TemplateSources(name, source, Optional.ofNullable(byName.get("tool_use"))));
    }

    /// @param name     where they come from
    /// @param standard template for all conversations
    /// @param toolUse  template for those with tools, if they have another one
    record TemplateSources(String name, String standard, Optional<String> toolUse) {}

    /// How turns are read, as the folder says it.
    Optional<Object> responseTemplate() {
        return Optional.ofNullable(config.get("response_template"));
    }

    private Optional<String> text(String file) {
        Path path = folder.resolve(file);
        if (!Files.exists(path)) {
            return Optional.empty();
        }
        try {
            requireOwn(path);
            return Optional.of(Files.readString(path));
        } catch (CharacterCodingException e) {
            throw new ModelException(path + " is not UTF-8 text", e);
        } catch (IOException e) {
            throw new ModelException(path + " can't be read: " + e.getMessage(), e);
        }
    }

    /// A folder from elsewhere may hold links: what they lead to is shown to the model and written
    /// beside the adapter. The Hub's cache links to its `blobs`.
    private void requireOwn(Path path) throws IOException {
        Path real = path.toRealPath();
        boolean isCached =
                StreamSupport.stream(real.spliterator(), false)
                        .anyMatch(part -> part.toString().startsWith("models--"));
        if (!real.startsWith(folder.toRealPath()) && !isCached) {
            throw new ModelException(
                    path
                            + " is a link to "
                            + real
                            + ", outside of the model's folder; links may lead into the folder or"
                            + " the Hub's cache. If you trust it, copy the file into the folder");
        }
    }

    /// An object file, or an empty map if there is none.
    private Map<String, Object> json(String file) {
        Optional<String> text = text(file);
        if (text.isEmpty()) {
            return Map.of();
        }
        try {
            if (Json.parse(text.get()) instanceof Map<?, ?> map) {
                var fields = new LinkedHashMap<String, Object>();
                map.forEach((key, value) -> fields.put((String) key, value));
                return fields;
            }
        } catch (JsonException e) {
            throw new ModelException(folder.resolve(file) + ", " + e.getMessage(), e);
        }
        throw new ModelException(folder.resolve(file) + " holds no JSON object");
    }
}
