package org.attune.model.source;

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
/// @param tensors    weights, dequantised
public record GgufModel(String nameOrPath, DecoderConfig config, GgufFile tensors)
        implements ModelSource {
    static GgufModel open(String nameOrPath, Path file) {
        GgufFile gguf = GgufFile.open(file);
        try {
            return new GgufModel(nameOrPath, DecoderConfig.of(gguf), gguf);
        } catch (RuntimeException e) {
            gguf.close();
            throw e;
        }
    }

    @Override
    public Path path() {
        return tensors.path();
    }

    @Override
    public GenerationDefaults generation() {
        return GenerationDefaults.none();
    }

    /// Tokenizer and chat template in Hugging Face's form.
    public GgufTokenizer tokenizer() {
        return GgufTokenizer.of(tensors.metadata());
    }

    @Override
    public TextAssets openText() {
        GgufTokenizer tokenizer = tokenizer();
        return TextAssets.of(
                path().toString(),
                tokenizer.tokenizerJson(),
                Vocabulary.of(tokenizer.tokens(), tokenizer.addedTokens()),
                new SpecialTokens(tokenizer.specialTokens()),
                tokenizer.chatTemplate());
    }

    @Override
    public void close() {
        tensors.close();
    }
}
