package org.attune.trainers.setup;

import org.attune.adapter.AdapterFolder;
import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.model.Decoder;
import org.attune.model.ModelSource;
import org.attune.model.RopeScaling;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.text.ChatTemplate;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.SpecialTokens;
import org.attune.text.TextAssets;
import org.attune.trainers.config.ModelConfig;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// A model as configured: its files, its text, its starting adapter. The weights are not loaded
/// yet, so that mistakes in the data show first. Owns what it opens.
public final class ModelSetup implements AutoCloseable {
    /// Products of this width and the usual few hundred rows take some microseconds.
    private static final int SMALL_WIDTH = 256;

    private final ModelConfig config;
    private final ModelSource source;
    private final Optional<AdapterFolder> adapter;
    private TextAssets text;

    private ModelSetup(ModelConfig config, ModelSource source, Optional<AdapterFolder> adapter) {
        this.config = config;
        this.source = source;
        this.adapter = adapter;
    }

    /// Opens model and adapter.
    ///
    /// @throws org.attune.error.ModelException if one is missing, damaged or of an unknown kind
    public static ModelSetup open(ModelConfig config, HubCache hub) {
        ModelSource source =
                ModelSource.open(config.modelNameOrPath(), config.modelRevision(), hub);
        try {
            return new ModelSetup(
                    config,
                    source,
                    config.adapterNameOrPath().map(name -> AdapterFolder.open(name, hub)));
        } catch (RuntimeException e) {
            source.close();
            throw e;
        }
    }

    private static TextAssets configured(TextAssets own, ModelConfig config) {
        TextAssets text = own;
        if (config.eosToken().isPresent()) {
            text = withEos(own, config.eosToken().get());
        }
        if (config.chatTemplatePath().isPresent()) {
            text = text.withTemplate(template(config.chatTemplatePath().get(), text.specials()));
        }
        return text;
    }

    private static TextAssets withEos(TextAssets own, String eos) {
        if (own.tokenizer().id(eos).isEmpty()) {
            throw new ConfigException(
                    "eos_token: " + eos + " is no token of this model's tokenizer");
        }
        Map<String, String> roles = new LinkedHashMap<>(own.specials().byRole());
        roles.put("eos_token", eos);
        Optional<String> source = own.template().flatMap(ModelSetup::sourceOf);
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

    private static ChatTemplate template(String nameOrPath, SpecialTokens specials) {
        Path path = Path.of(nameOrPath);
        if (Files.isDirectory(path)) {
            try (TextAssets other = TextAssets.load(path)) {
                return other.template()
                        .orElseThrow(
                                () ->
                                        new ConfigException(
                                                "chat_template_path: "
                                                        + path
                                                        + " has no chat template"));
            }
        }
        try {
            return JinjaChatTemplate.compile(nameOrPath, Files.readString(path), specials);
        } catch (IOException e) {
            throw new ConfigException(
                    "chat_template_path: %s cannot be read: %s; give a Jinja file or the folder of a tokenizer"
                            .formatted(path, e),
                    e);
        }
    }

    public ModelSource source() {
        return source;
    }

    /// Tokenizer and chat template in force; opened when first asked for, since a model without
    /// them can still compute.
    ///
    /// @throws org.attune.error.ModelException if they are missing or damaged
    public TextAssets text() {
        if (text == null) {
            text = configured(source.openText(), config);
        }
        return text;
    }

    /// The adapter to start from.
    public Optional<AdapterFolder> adapter() {
        return adapter;
    }

    /// Whether the chat template is another than the model's own.
    boolean hasOtherTemplate() {
        return config.chatTemplatePath().isPresent();
    }

    /// Where the run computes.
    public Device device() {
        return Device.parse(config.device());
    }

    /// The number format of frozen weights and products.
    public DType dtype() {
        return switch (config.dtype()) {
            case AUTO -> Engine.fastestDtype(device());
            case FLOAT32 -> DType.FLOAT32;
            case BFLOAT16 -> DType.BFLOAT16;
        };
    }

    /// Whether sequences may share the computation of a common beginning: not where positions
    /// depend on the length of the whole sequence.
    public boolean sharesPrompts() {
        return !(source.config().rope().scaling() instanceof RopeScaling.Dynamic);
    }

    /// Loads the weights anew. The caller owns the result; on the engine thread.
    public Decoder loadDecoder() {
        Engine.suitThreads(source.config().hiddenSize() <= SMALL_WIDTH);
        return Decoder.load(source.config(), source.tensors(), device(), dtype());
    }

    /// Tells this model and adapter apart from others, by the size and the ends of their files.
    public String fingerprint() {
        var print = new FileFingerprint();
        print.add(source.path());
        adapter.ifPresent(folder -> print.add(folder.path()));
        return print.hex();
    }

    @Override
    public void close() {
        adapter.ifPresent(AdapterFolder::close);
        if (text != null) {
            text.close();
        }
        source.close();
    }
}
