package org.attune.model.source;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.ModelException;
import org.attune.files.AtomicFile;
import org.attune.files.AtomicFolder;
import org.attune.files.JsonFields;
import org.attune.files.gguf.GgufTokenizer;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.json.Json;
import org.attune.model.config.ConfigJson;
import org.attune.model.config.ConfigWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.tensor.DType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// Writes Hugging Face model folders: what transformers, and Attune itself, load by path. Folders
/// are written whole or not at all.
public final class ModelExport {
    /// Largest weight file by default; larger models are sharded.
    public static final long DEFAULT_SHARD_BYTES = 5_000_000_000L;

    /// What belongs to a model beside its weights. Other files of a folder (logs, metrics, training
    /// state, a model card that describes other weights) stay behind.
    private static final Set<String> COMPANIONS =
            Set.of(
                    "config.json",
                    "generation_config.json",
                    "tokenizer.json",
                    "tokenizer_config.json",
                    "tokenizer.model",
                    "tekken.json",
                    "special_tokens_map.json",
                    "added_tokens.json",
                    "vocab.json",
                    "merges.txt",
                    "chat_template.jinja",
                    "chat_template.json",
                    "preprocessor_config.json",
                    "processor_config.json",
                    "process_reward.json");

    private ModelExport() {}

    /// Writes `tensors` with everything else that belongs to the model: for a model that came
    /// from a
    /// folder, that folder's files, unchanged but for the keys of `config.json` that `config` makes
    /// wrong; for one from GGUF, files made from its metadata.
    ///
    /// @param target        a folder that doesn't exist or is empty
    /// @param source        the model that the tensors belong to
    /// @param config        configuration of what is written: the source's, except perhaps for
    ///     dtype and tied embeddings
    /// @param tensors       all weights by Hugging Face name; matrices may be [#inEightBits]
    /// @param maxShardBytes largest weight file; a single tensor may be larger
    /// @throws ModelException if `target` holds something, or writing fails
    public static void write(
            Path target,
            ModelSource source,
            DecoderConfig config,
            List<Source> tensors,
            long maxShardBytes) {
        requireEmpty(target);
        try (AtomicFolder folder = AtomicFolder.create(target)) {
            switch (source) {
                case FolderModel model -> copyFiles(model, config, folder.path());
                case GgufModel model -> writeFiles(model, config, folder.path());
            }
            writeQuantisation(folder.path(), config, tensors);
            writeWeights(folder.path(), tensors, maxShardBytes);
            folder.commit();
        } catch (IOException e) {
            throw new ModelException(target + " can't be written: " + e.getMessage(), e);
        }
    }

    /// A model's weights with matrices in compressed-tensors' form: a code of 8 bits for each
    /// number, and a scale for each row. The folder's `quantization_config` has activations rounded
    /// likewise.
    ///
    /// @param matrices names of weights of linear modules
    /// @param plain    all weights by module, as the others are written
    /// @param exact    the same in float32
    /// @param codes    `INT8` or `FLOAT8`
    /// @throws ModelException if compressed-tensors has no form for this family's files
    public static List<Source> inEightBits(
            DecoderConfig config,
            Set<String> matrices,
            List<Source> plain,
            List<Source> exact,
            DType codes) {
        CompressedWeights.requireModules(config);
        List<Source> all = new ArrayList<>();
        for (int i = 0; i < plain.size(); i++) {
            Source own = plain.get(i);
            all.addAll(
                    matrices.contains(own.name())
                            ? CompressedWeights.of(exact.get(i), codes, own.dtype())
                            : List.of(own));
        }
        return all;
    }

    private static void writeQuantisation(Path folder, DecoderConfig config, List<Source> tensors)
            throws IOException {
        UnaryOperator<String> module =
                name ->
                        config.vision()
                                .map(v -> v.names().ofModule(name))
                                .orElseGet(() -> config.names().ofModule(name));
        Optional<ObjectNode> own =
                CompressedWeights.config(tensors, config.names().embeddingPath(), module);
        if (own.isPresent()) {
            Path file = folder.resolve("config.json");
            ObjectNode json = JsonFields.read(file).toNode();
            Files.delete(file);
            json.set(ConfigJson.QUANTISATION, own.get());
            AtomicFile.writeText(file, Json.pretty(json));
        }
    }

    private static void requireEmpty(Path target) {
        try {
            if (!Files.exists(target)) {
                return;
            }
            if (Files.isDirectory(target)) {
                try (Stream<Path> files = Files.list(target)) {
                    if (files.findAny().isEmpty()) {
                        return;
                    }
                }
            }
        } catch (IOException e) {
            throw new ModelException(target + " can't be read: " + e.getMessage(), e);
        }
        throw new ModelException(
                target + " already exists and is not empty; name a folder that doesn't exist");
    }

    private static void copyFiles(FolderModel model, DecoderConfig config, Path folder)
            throws IOException {
        try (Stream<Path> files = Files.list(model.path())) {
            for (Path file : files.filter(ModelExport::isCompanion).toList()) {
                Files.copy(file, folder.resolve(file.getFileName().toString()));
            }
        }
        JsonFields own = JsonFields.read(model.path().resolve("config.json"));
        boolean sees = config.vision().isPresent();
        boolean textAlone = !sees && ConfigJson.textOf(own) != own; // only its tensors are written
        if (!config.equals(model.config()) || own.has(ConfigJson.QUANTISATION) || textAlone) {
            Path file = folder.resolve("config.json");
            Files.delete(file);
            AtomicFile.writeText(file, Json.pretty(patched(model, config)));
        }
    }

    private static boolean isCompanion(Path file) {
        String name = file.getFileName().toString();
        return Files.isRegularFile(file)
                && (COMPANIONS.contains(name)
                        || name.startsWith("LICENSE")
                        || name.startsWith("NOTICE"));
    }

    private static ObjectNode patched(FolderModel model, DecoderConfig config) {
        JsonFields own = JsonFields.read(model.path().resolve("config.json"));
        if (config.vision().isPresent()) {
            return patchedWhole(own.toNode(), model.config(), config);
        }
        JsonFields text = ConfigJson.textOf(own);
        ObjectNode json = text.toNode();
        json.remove(ConfigJson.QUANTISATION); // what is written is plain numbers
        putDtype(json, config);
        json.remove("tie_embedding"); // LFM2's own name
        json.put("tie_word_embeddings", config.tieWordEmbeddings());
        json.put("vocab_size", config.vocabSize());
        ConfigWriter.putLayers(json, config);
        if (hasOtherHead(model.config(), config) || text != own) {
            ConfigWriter.putHead(json, config);
        }
        requireEqual(json, config);
        putPad(json, config);
        return json;
    }

    private static boolean hasOtherHead(DecoderConfig before, DecoderConfig config) {
        return config.labels() != before.labels() || config.scoreKind() != before.scoreKind();
    }

    /// Without a padding token transformers refuses to score several sequences at once.
    private static void putPad(ObjectNode text, DecoderConfig config) {
        if (config.scores()
                && config.special().pad().isEmpty()
                && !config.special().eos().isEmpty()) {
            text.put("pad_token_id", config.special().eos().getFirst());
        }
    }

    /// Of a model of text and images: `text_config` describes its text model.
    private static ObjectNode patchedWhole(
            ObjectNode json, DecoderConfig before, DecoderConfig config) {
        json.remove(ConfigJson.QUANTISATION);
        json.put("tie_word_embeddings", config.tieWordEmbeddings());
        ObjectNode text = json.withObject("/text_config");
        text.remove(ConfigJson.QUANTISATION);
        text.put("vocab_size", config.vocabSize());
        putDtype(json, config);
        putDtype(text, config);
        if (hasOtherHead(before, config)) {
            ConfigWriter.putHead(json, config);
        }
        requireEqual(json, config);
        putPad(text, config);
        return json;
    }

    private static void putDtype(ObjectNode json, DecoderConfig config) {
        String key = json.has("dtype") ? "dtype" : "torch_dtype";
        json.put(key, ConfigWriter.dtypeName(config.dtype()));
    }

    private static void requireEqual(ObjectNode json, DecoderConfig config) {
        DecoderConfig written =
                ConfigJson.parse(JsonFields.parse("patched config.json", json.toString()));
        if (!written.equals(config)) {
            throw new IllegalArgumentException(
                    "only dtype, tied embeddings, vocabulary size and labels may differ from"
                            + " the source's configuration");
        }
    }

    private static void writeFiles(GgufModel model, DecoderConfig config, Path folder)
            throws IOException {
        writeJson(folder, "config.json", ConfigWriter.configJson(model.file(), config));
        writeJson(folder, "generation_config.json", ConfigWriter.generationJson(config));
        GgufTokenizer tokenizer = model.tokenizer();
        AtomicFile.writeText(folder.resolve("tokenizer.json"), tokenizer.tokenizerJson());
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("tokenizer_class", "PreTrainedTokenizerFast");
        json.put("model_max_length", config.maxPositionEmbeddings());
        json.put("clean_up_tokenization_spaces", false);
        tokenizer.specialTokens().forEach(json::put);
        tokenizer.chatTemplate().ifPresent(t -> json.put("chat_template", t));
        writeJson(folder, "tokenizer_config.json", json);
    }

    private static void writeJson(Path folder, String name, ObjectNode json) throws IOException {
        AtomicFile.writeText(folder.resolve(name), Json.pretty(json));
    }

    private static void writeWeights(Path folder, List<Source> tensors, long maxShardBytes)
            throws IOException {
        List<List<Source>> shards = shards(tensors, maxShardBytes);
        if (shards.size() == 1) {
            SafeTensorsWriter.write(folder.resolve("model.safetensors"), tensors);
            return;
        }
        ObjectNode index = JsonNodeFactory.instance.objectNode();
        long bytes = tensors.stream().mapToLong(Source::bytes).sum();
        index.putObject("metadata").put("total_size", bytes);
        ObjectNode weightMap = index.putObject("weight_map");
        for (int i = 0; i < shards.size(); i++) {
            String name = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
            SafeTensorsWriter.write(folder.resolve(name), shards.get(i));
            shards.get(i).forEach(t -> weightMap.put(t.name(), name));
        }
        writeJson(folder, "model.safetensors.index.json", index);
    }

    private static List<List<Source>> shards(List<Source> tensors, long maxShardBytes) {
        var shards = new ArrayList<List<Source>>();
        var current = new ArrayList<Source>();
        long bytes = 0;
        for (Source tensor : tensors) {
            if (!current.isEmpty() && bytes + tensor.bytes() > maxShardBytes) {
                shards.add(current);
                current = new ArrayList<>();
                bytes = 0;
            }
            current.add(tensor);
            bytes += tensor.bytes();
        }
        shards.add(current);
        return shards;
    }
}
