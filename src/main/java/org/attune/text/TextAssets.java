package org.attune.text;

import java.nio.file.Path;
import java.util.Optional;

/// What a model brings along for text. Owns the tokenizer.
///
/// @param tokenizer the model's tokenizer
/// @param template  its chat template; base models often have none
/// @param specials  its special tokens
public record TextAssets(
        HfTokenizer tokenizer, Optional<ChatTemplate> template, SpecialTokens specials)
        implements AutoCloseable {

    /// Loads `tokenizer.json`, special tokens and chat template of a Hugging Face model folder.
    ///
    /// @throws org.attune.error.ModelException if a file is missing or damaged
    public static TextAssets load(Path folder) {
        throw new UnsupportedOperationException();
    }

    /// The same from parts, as a GGUF file has them.
    ///
    /// @param name           where the parts come from; stands in messages
    /// @param tokenizerJson  text of a `tokenizer.json`
    /// @param templateSource Jinja text of the chat template, or empty
    public static TextAssets of(
            String name,
            String tokenizerJson,
            SpecialTokens specials,
            Optional<String> templateSource) {
        throw new UnsupportedOperationException();
    }

    /// Tokenizer and template together.
    ///
    /// @throws org.attune.error.ConfigException if there is no chat template
    public ChatTokenizer chat() {
        throw new UnsupportedOperationException();
    }

    /// The same with another chat template.
    public TextAssets withTemplate(ChatTemplate other) {
        return new TextAssets(tokenizer, Optional.of(other), specials);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
