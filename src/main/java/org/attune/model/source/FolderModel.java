package org.attune.model.source;

import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.GenerationDefaults;
import org.attune.text.TextAssets;

import java.nio.file.Files;
import java.nio.file.Path;

/// A Hugging Face model folder.
///
/// @param nameOrPath what the user wrote
/// @param path       the folder
/// @param config     of `config.json`
/// @param generation of `generation_config.json`
/// @param tensors    weights
public record FolderModel(
        String nameOrPath,
        Path path,
        DecoderConfig config,
        GenerationDefaults generation,
        TensorFile tensors)
        implements ModelSource {
    static FolderModel open(String nameOrPath, Path folder) {
        // The configuration first: an unsupported family should be named, whatever its weights.
        DecoderConfig config = DecoderConfig.read(folder);
        GenerationDefaults generation = GenerationDefaults.read(folder);
        TensorFile tensors =
                BareTensors.of(BitsAndBytesTensors.of(SafeTensorsFile.open(folder)), config);
        boolean isSentences =
                tensors instanceof BareTensors && Files.exists(folder.resolve("modules.json"));
        return new FolderModel(
                nameOrPath,
                folder,
                // Nobody asks a model of embeddings for its output layer, which the files lack.
                isSentences ? config.withTiedOutputLayer() : config,
                generation,
                tensors);
    }

    @Override
    public TextAssets openText() {
        return TextAssets.load(path);
    }

    @Override
    public void close() {
        tensors.close();
    }
}
