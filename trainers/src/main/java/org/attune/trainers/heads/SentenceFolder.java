package org.attune.trainers.heads;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.checkpoint.ModelWriter;
import org.attune.files.AtomicFile;
import org.attune.json.Json;
import org.attune.models.ModelSetup;
import org.attune.models.score.PoolingMode;
import org.attune.models.score.SentenceFiles;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;

/// The files by which sentence-transformers knows a folder: the model, how its hidden states become
/// one vector, and that vectors have length 1.
///
/// @param pooling of hidden states
/// @param width of embeddings
/// @param maxLength tokens of a text at most
record SentenceFolder(PoolingMode pooling, int width, OptionalInt maxLength) {
    /// Writes them wherever the model is written.
    ModelWriter beside(ModelWriter model, ModelSetup setup) {
        return beside(model, setup, "SentenceTransformer", this::write);
    }

    /// Writes the files of a `CrossEncoder` wherever a reranker is written. They say that a query
    /// and a document are two texts: a tokenizer with a chat template would make messages of them.
    ///
    /// @param maxLength tokens of both at most
    static ModelWriter ranking(ModelWriter model, ModelSetup setup, OptionalInt maxLength) {
        return beside(model, setup, "CrossEncoder", folder -> writeRanking(folder, maxLength));
    }

    /// An adapter gets the model's tokenizer too, without which sentence-transformers doesn't load
    /// it.
    private static ModelWriter beside(
            ModelWriter model, ModelSetup setup, String loader, ModelWriter files) {
        return folder -> {
            model.write(folder);
            files.write(folder);
            if (Files.exists(folder.resolve("adapter_config.json"))) {
                setup.writeTokenizer(folder);
                text(folder.resolve("README.md"), page(setup.source().nameOrPath(), loader));
            }
        };
    }

    private static void writeRanking(Path folder, OptionalInt maxLength) throws IOException {
        ArrayNode modules = Json.MAPPER.createArrayNode();
        module(modules, "", "Transformer");
        text(folder.resolve(SentenceFiles.MODULES), Json.pretty(modules));
        ObjectNode pair = Json.MAPPER.createObjectNode();
        pair.put("transformer_task", "sequence-classification");
        maxLength.ifPresent(length -> pair.put("max_seq_length", length));
        pair.putObject("modality_config")
                .putObject("text")
                .put("method", "forward")
                .put("method_output_name", "logits");
        pair.put("module_output_name", "scores");
        text(folder.resolve(SentenceFiles.LENGTHS), Json.pretty(pair));
        ObjectNode whole = Json.MAPPER.createObjectNode();
        whole.put("model_type", "CrossEncoder");
        whole.put("activation_fn", "torch.nn.modules.activation.Sigmoid");
        text(folder.resolve(SentenceFiles.WHOLE), Json.pretty(whole));
    }

    private static String page(String base, String loader) {
        return """
        # Adapter for %s

        In Python:

            from sentence_transformers import %s
            model = %s("PATH OF THIS FOLDER")

        `attune merge --model %s --adapter FOLDER --output DIR` makes one model of both.
        """
                .formatted(base, loader, loader, base);
    }

    private void write(Path folder) throws IOException {
        ArrayNode modules = Json.MAPPER.createArrayNode();
        module(modules, "", "Transformer");
        module(modules, "1_Pooling", "Pooling");
        module(modules, "2_Normalize", "Normalize");
        text(folder.resolve(SentenceFiles.MODULES), Json.pretty(modules));
        ObjectNode pool = Json.MAPPER.createObjectNode();
        pool.put("word_embedding_dimension", width);
        pool.put("pooling_mode_cls_token", false);
        pool.put("pooling_mode_mean_tokens", pooling == PoolingMode.MEAN);
        pool.put("pooling_mode_max_tokens", false);
        pool.put("pooling_mode_lasttoken", pooling == PoolingMode.LASTTOKEN);
        pool.put("include_prompt", true);
        text(folder.resolve("1_Pooling/config.json"), Json.pretty(pool));
        ObjectNode sentence = Json.MAPPER.createObjectNode();
        maxLength.ifPresent(length -> sentence.put("max_seq_length", length));
        sentence.put("do_lower_case", false);
        text(folder.resolve(SentenceFiles.LENGTHS), Json.pretty(sentence));
        ObjectNode whole = Json.MAPPER.createObjectNode();
        whole.put("similarity_fn_name", "cosine");
        text(folder.resolve(SentenceFiles.WHOLE), Json.pretty(whole));
    }

    private static void module(ArrayNode modules, String path, String type) {
        modules.addObject()
                .put("idx", modules.size() - 1)
                .put("name", "" + (modules.size() - 1))
                .put("path", path)
                .put("type", "sentence_transformers.models." + type);
    }

    private static void text(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        AtomicFile.writeText(file, text);
    }
}
