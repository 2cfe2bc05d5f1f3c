package org.attune.text;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.images.ImagePipeline;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// Tokenizer and chat template of a model. Owns the tokenizer.
///
/// @param tokenizer the model's tokenizer
/// @param template  its chat template; base models often have none
/// @param specials  its special tokens
/// @param images    what it sees pictures by; empty if it sees none
@Api(EXPERIMENTAL)
public record TextAssets(
        HfTokenizer tokenizer,
        Optional<ChatTemplate> template,
        SpecialTokens specials,
        Optional<ImagePipeline> images)
        implements AutoCloseable {

    /// Assets of a model that sees no pictures.
    TextAssets(HfTokenizer tokenizer, Optional<ChatTemplate> template, SpecialTokens specials) {
        this(tokenizer, template, specials, Optional.empty());
    }

    /// Loads the vocabulary (`tokenizer.json`, `tokenizer.model` or `tekken.json`), special tokens
    /// and chat template of a Hugging Face model folder.
    ///
    /// @throws org.attune.error.ModelException if a file is missing or damaged
    public static TextAssets load(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new ModelException(folder + " is not a model folder");
        }
        var files = new ModelFolder(folder);
        String name = files.vocabulary().toString();
        String json = files.tokenizerJson();
        Vocabulary vocabulary = Vocabulary.read(name, json);
        files.requireAddedTokens(vocabulary);
        SpecialTokens specials = files.specialTokens(vocabulary);
        Optional<ChatTemplate> template =
                files.templates().map(sources -> compile(sources, specials));
        return new TextAssets(HfTokenizer.of(name, json, vocabulary, specials), template, specials);
    }

    /// The chat template that a folder brings.
    ///
    /// @param specials that the template may write
    /// @throws org.attune.error.ModelException if it is damaged
    public static Optional<ChatTemplate> template(Path folder, SpecialTokens specials) {
        return new ModelFolder(folder).templates().map(sources -> compile(sources, specials));
    }

    /// The `response_template` of a folder's `tokenizer_config.json`: how turns are read.
    ///
    /// @throws org.attune.error.ModelException if the file is damaged
    public static Optional<Object> responseTemplate(Path folder) {
        return new ModelFolder(folder).responseTemplate();
    }

    private static ChatTemplate compile(
            ModelFolder.TemplateSources sources, SpecialTokens specials) {
        ChatTemplate standard =
                JinjaChatTemplate.compile(sources.name(), sources.standard(), specials);
        if (sources.toolUse().isEmpty()) {
            return standard;
        }
        return new ToolAwareTemplate(
                standard,
                JinjaChatTemplate.compile(
                        sources.name() + " (tool_use)", sources.toolUse().get(), specials));
    }

    /// Tokenizer and chat template from parts, as a GGUF file has them.
    ///
    /// @param name where the parts come from; stands in messages
    /// @param tokenizerJson text of a `tokenizer.json`
    /// @param vocabulary its tokens
    /// @param templateSource Jinja text of the chat template, or empty
    public static TextAssets of(
            String name,
            String tokenizerJson,
            Vocabulary vocabulary,
            SpecialTokens specials,
            Optional<String> templateSource) {
        Optional<ChatTemplate> template =
                templateSource.map(source -> JinjaChatTemplate.compile(name, source, specials));
        return new TextAssets(
                HfTokenizer.of(name, tokenizerJson, vocabulary, specials), template, specials);
    }

    /// Tokenizer and chat template from parts, with the vocabulary read from the tokenizer's text.
    public static TextAssets of(
            String name,
            String tokenizerJson,
            SpecialTokens specials,
            Optional<String> templateSource) {
        Vocabulary vocabulary = Vocabulary.read(name, tokenizerJson);
        return of(name, tokenizerJson, vocabulary, specials, templateSource);
    }

    /// Tokenizer and template together, for conversations with pictures too where the model sees;
    /// what a message holds and the template doesn't show is an error.
    ///
    /// @throws org.attune.error.ConfigException if there is no chat template
    public ChatTokenizer chat() {
        return chat(
                template.orElseThrow(
                        () ->
                                new ConfigException(
                                        "the model has no chat template, which"
                                                + " conversations need; give one with"
                                                + " chat_template_path or --chat-template: a"
                                                + " file, or one of "
                                                + JinjaChatTemplate.NAMES)));
    }

    /// The tokenizer with another template, as [#chat()] gives it.
    public ChatTokenizer chat(ChatTemplate other) {
        var chat = new ChatTokenizer(tokenizer, CompleteTemplate.of(other));
        return images.map(chat::withPictures).orElse(chat);
    }

    /// Replaces the chat template.
    public TextAssets withTemplate(ChatTemplate other) {
        return new TextAssets(tokenizer, Optional.of(other), specials, images);
    }

    /// Assets of a model that sees pictures.
    public TextAssets withPictures(ImagePipeline pipeline) {
        return new TextAssets(tokenizer, template, specials, Optional.of(pipeline));
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
