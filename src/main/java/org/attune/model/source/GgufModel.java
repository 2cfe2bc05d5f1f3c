package org.attune.model.source;

import org.attune.files.TensorFile;
import org.attune.files.gguf.GgufFile;
import org.attune.files.gguf.GgufTokenizer;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.GenerationDefaults;
import org.attune.text.SpecialTokens;
import org.attune.text.TextAssets;
import org.attune.text.Vocabulary;

import java.nio.file.Path;

/// A model in a GGUF file.
///
/// @param nameOrPath what the user wrote
/// @param config     of the file's metadata and tensors
/// @param file       with them
/// @param tensors    weights as the family's own files have them, dequantised
public record GgufModel(String nameOrPath, DecoderConfig config, GgufFile file, TensorFile tensors)
        implements ModelSource {
    static GgufModel open(String nameOrPath, Path path) {
        GgufFile gguf = GgufFile.open(path);
        try {
            DecoderConfig config = DecoderConfig.of(gguf);
            return new GgufModel(nameOrPath, config, gguf, GgufWeights.of(gguf, config));
        } catch (RuntimeException e) {
            gguf.close();
            throw e;
        }
    }

    @Override
    public Path path() {
        return file.path();
    }

    @Override
    public GenerationDefaults generation() {
        return GenerationDefaults.none();
    }

    /// Tokenizer and chat template in Hugging Face's form.
    public GgufTokenizer tokenizer() {
        return GgufTokenizer.of(file.metadata());
    }

    @Override
    public TextAssets openText() {
        GgufTokenizer tokenizer = tokenizer();
        return TextAssets.of(
                path().toString(),
                tokenizer.tokenizerJson(),
                Vocabulary.of(tokenizer.tokens(), tokenizer.addedTokens(), tokenizer.isByteLevel()),
                new SpecialTokens(tokenizer.specialTokens()),
                tokenizer.chatTemplate());
    }

    @Override
    public void close() {
        file.close();
    }
}
