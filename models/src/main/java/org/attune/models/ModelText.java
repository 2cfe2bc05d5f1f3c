package org.attune.models;

import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.files.AtomicFile;
import org.attune.files.GivenText;
import org.attune.images.ImagePipeline;
import org.attune.model.source.ModelSource;
import org.attune.text.ChatTemplate;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.SpecialTokens;
import org.attune.text.TextAssets;
import org.attune.text.parse.ToolProtocol;
import org.attune.text.parse.protocol.ToolProtocols;
import org.attune.text.parse.protocol.TurnParsers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Which tokenizer and chat template are in force: those of the adapter's folder where it has them,
/// since it was trained with them, otherwise the model's. A template that the configuration names
/// wins over both.
final class ModelText {
    private static final Logger LOG = LoggerFactory.getLogger(ModelText.class);
    private static final String TOKENIZER = "tokenizer.json";
    private static final String TEMPLATE = "chat_template.jinja";
    private static final List<String> WITH_TOKENIZER =
            List.of("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json");

    private final ModelConfig config;
    private final ModelSource source;
    private final Optional<Path> adapter;
    private boolean otherTemplate;
    private TextAssets bare;

    ModelText(ModelConfig config, ModelSource source, Optional<Path> adapter) {
        this.config = config;
        this.source = source;
        this.adapter = adapter;
    }

    /// Opens both. The caller closes the result.
    ///
    /// @param images what the model sees pictures by; empty if it sees none
    /// @throws org.attune.error.ModelException if they are missing or damaged, or the adapter's
    ///     tokenizer has more tokens than the model
    TextAssets open(Optional<ImagePipeline> images) {
        TextAssets text = bringsTokenizer() ? ofAdapter(adapter.get()) : source.openText();
        if (config.eosToken().isPresent()) {
            text = withEos(text, config.eosToken().get());
        }
        Optional<ChatTemplate> template = otherTemplate(text.specials());
        otherTemplate = template.isPresent();
        TextAssets whole = template.isPresent() ? text.withTemplate(template.get()) : text;
        whole = images.map(whole::withPictures).orElse(whole);
        bare = whole;
        boolean isWritten = config.toolProtocol() != ToolProtocols.Choice.AUTO;
        return isWritten && whole.template().isPresent()
                ? whole.withTemplate(protocol(false).over(whole.template().get()))
                : whole;
    }

    /// Tokenizer and chat template without a protocol over it, when [#open] was called.
    TextAssets bare() {
        return bare;
    }

    /// How the model is told of tools, when [#open] was called.
    ///
    /// @param trlCompat whether turns are read as TRL does
    /// @throws ConfigException if `tool_protocol` needs what the model doesn't have
    ToolProtocol protocol(boolean trlCompat) {
        var protocols =
                new ToolProtocols(TurnParsers.of(bare.tokenizer(), bare.specials(), trlCompat));
        return Files.isDirectory(source.path())
                ? protocols.of(config.toolProtocol(), source.path(), bare.template())
                : protocols.of(config.toolProtocol(), bare.template());
    }

    private Optional<ChatTemplate> otherTemplate(SpecialTokens specials) {
        if (config.chatTemplatePath().isPresent()) {
            return Optional.of(named(config.chatTemplatePath().get(), specials));
        }
        Optional<ChatTemplate> own =
                adapter.flatMap(folder -> TextAssets.template(folder, specials));
        if (own.isPresent()) {
            LOG.info("the chat template is that of the adapter, {}", adapter.get());
        }
        return own;
    }

    /// Whether tokenizer or template may be others than the model's. They aren't opened for it,
    /// since a model can be trained that has neither.
    boolean mayDiffer() {
        return config.chatTemplatePath().isPresent()
                || bringsTokenizer()
                || adapter.isPresent()
                        && (Files.exists(adapter.get().resolve(TEMPLATE))
                                || Files.exists(adapter.get().resolve("tokenizer_config.json")));
    }

    private boolean bringsTokenizer() {
        return adapter.isPresent() && Files.exists(adapter.get().resolve(TOKENIZER));
    }

    private TextAssets ofAdapter(Path folder) {
        TextAssets own = TextAssets.load(folder);
        int tokens = own.tokenizer().vocabularySize();
        int known = source.config().vocabSize();
        if (tokens > known) {
            own.close();
            throw new ModelException(
                    "%s has %,d tokens, but the model's vocabulary has %,d; merge the adapter where it was trained, or take its tokenizer out of the folder"
                            .formatted(folder.resolve(TOKENIZER), tokens, known));
        }
        LOG.info("the tokenizer is that of the adapter, {}", folder);
        if (own.template().isPresent()) {
            return own;
        }
        try (TextAssets base = source.openText()) {
            return base.template().map(own::withTemplate).orElse(own);
        }
    }

    private static TextAssets withEos(TextAssets own, String eos) {
        if (own.tokenizer().id(eos).isEmpty()) {
            throw ConfigException.about(
                    "eos_token", eos + " is no token of this model's tokenizer");
        }
        Map<String, String> roles = new LinkedHashMap<>(own.specials().byRole());
        roles.put("eos_token", eos);
        Optional<String> source = own.template().flatMap(ModelText::sourceOf);
        TextAssets changed =
                TextAssets.of("model", own.tokenizer().json(), new SpecialTokens(roles), source);
        own.close();
        return changed;
    }

    private static Optional<String> sourceOf(ChatTemplate template) {
        return template instanceof JinjaChatTemplate jinja
                ? Optional.of(jinja.source())
                : Optional.empty();
    }

    private static ChatTemplate named(String nameOrPath, SpecialTokens specials) {
        Path path = Path.of(nameOrPath);
        if (JinjaChatTemplate.NAMES.contains(nameOrPath) && !Files.exists(path)) {
            return JinjaChatTemplate.named(nameOrPath, specials);
        }
        if (Files.isDirectory(path)) {
            return TextAssets.template(path, specials)
                    .orElseThrow(
                            () ->
                                    new ConfigException(
                                            "chat_template_path: "
                                                    + path
                                                    + " has no chat template"));
        }
        try {
            return JinjaChatTemplate.compile(nameOrPath, GivenText.read(path), specials);
        } catch (IOException e) {
            throw new ConfigException(
                    "chat_template_path: %s cannot be read: %s; give a Jinja file, the folder of a tokenizer, or one of %s"
                            .formatted(path, e.getMessage(), JinjaChatTemplate.NAMES),
                    e);
        }
    }

    /// Writes what is in force and not the model's own: beside an adapter, or over the model's in
    /// the folder of a model.
    ///
    /// @param text what [#open] gave
    void write(TextAssets text, Path folder) throws IOException {
        if (bringsTokenizer() && !isSame(folder, adapter.get())) {
            Files.createDirectories(folder);
            copy(TOKENIZER, folder);
            for (String name : WITH_TOKENIZER) {
                if (Files.exists(adapter.get().resolve(name))) {
                    copy(name, folder);
                }
            }
        }
        if (otherTemplate && text.template().isPresent()) {
            AtomicFile.writeText(folder.resolve(TEMPLATE), text.template().get().source());
        }
    }

    private static boolean isSame(Path one, Path other) throws IOException {
        return Files.exists(one) && Files.isSameFile(one, other);
    }

    private void copy(String name, Path folder) throws IOException {
        AtomicFile.writeText(
                folder.resolve(name), Files.readString(adapter.orElseThrow().resolve(name)));
    }
}
