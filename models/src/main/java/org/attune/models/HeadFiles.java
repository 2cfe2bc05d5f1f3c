package org.attune.models;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.files.AtomicFile;
import org.attune.files.JsonFields;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Files beside a model or an adapter that say what its head is for: names of labels, and
/// sentence-transformers' description of embeddings.
final class HeadFiles {
    /// Names of an adapter's labels, for which PEFT has no place.
    static final String LABELS = "labels.json";

    private static final List<String> SENTENCES =
            List.of(
                    "modules.json",
                    "sentence_bert_config.json",
                    "config_sentence_transformers.json",
                    "1_Pooling/config.json",
                    "2_Normalize/config.json");
    private static final List<String> TOKENIZER =
            List.of(
                    "tokenizer.json",
                    "tokenizer_config.json",
                    "tokenizer.model",
                    "special_tokens_map.json",
                    "added_tokens.json");

    private HeadFiles() {}

    /// Copies them to a model that is made of the folder's; labels get their place in its
    /// `config.json`.
    static void copy(Path from, Path to) throws IOException {
        copy(SENTENCES, from, to);
        Path config = to.resolve("config.json");
        if (Files.exists(from.resolve(LABELS)) && Files.exists(config)) {
            ObjectNode json = JsonFields.read(config).toNode();
            json.setAll(JsonFields.read(from.resolve(LABELS)).toNode());
            AtomicFile.writeText(config, Json.pretty(json));
        }
    }

    /// Whether a folder says that its model scores a query with a document, as two texts.
    static boolean ranks(Path folder) {
        Path file = folder.resolve("config_sentence_transformers.json");
        return Files.exists(file)
                && JsonFields.read(file).text("model_type", "").equals("CrossEncoder");
    }

    /// Copies a model's tokenizer.
    static void copyTokenizer(Path from, Path to) throws IOException {
        copy(TOKENIZER, from, to);
    }

    private static void copy(List<String> names, Path from, Path to) throws IOException {
        for (String name : names) {
            Path file = from.resolve(name);
            Path target = to.resolve(name);
            if (Files.exists(file) && !Files.exists(target)) {
                Files.createDirectories(target.getParent());
                AtomicFile.writeText(target, Files.readString(file));
            }
        }
    }
}
