package org.attune.models;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.adapter.AdapterFolder;
import org.attune.api.Api;
import org.attune.hub.HubDownload;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.policy.Policy;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.generation.TextCompleter;
import org.attune.tensor.Engine;
import org.attune.text.Tokenizer;

import java.util.Optional;
import java.util.function.Function;

/// A model with its adapter, ready to compute, for who doesn't train. Owns its parts. It is opened
/// and closed from any thread, and so is what [#completer] gives used; the decoder and the policy
/// belong to the engine thread.
@Api(EXPERIMENTAL)
public final class LoadedModel implements AutoCloseable {
    private final ModelSetup setup;
    private final Decoder decoder;
    private final Optional<Policy> adapted;

    private LoadedModel(ModelSetup setup, Decoder decoder, Optional<Policy> adapted) {
        this.setup = setup;
        this.decoder = decoder;
        this.adapted = adapted;
    }

    /// A causal language model.
    public static LoadedModel open(ModelConfig config) {
        return open(config, ModelSetup::loadDecoder);
    }

    /// A causal language model that only generates, with its adapter or without: nothing can be
    /// added to it, nothing merged.
    public static LoadedModel openToGenerate(ModelConfig config) {
        return openToGenerate(ModelSetup.open(config, HubDownload.cache()));
    }

    /// Opens a causal language model that only generates, from a setup, which it takes over.
    public static LoadedModel openToGenerate(ModelSetup setup) {
        return Engine.call(
                () -> {
                    LoadedModel loaded = open(setup, ModelSetup::loadDecoder);
                    try {
                        loaded.decoder.packDecoding();
                        loaded.decoder.keepForward();
                        return loaded;
                    } catch (RuntimeException e) {
                        loaded.close();
                        throw e;
                    }
                });
    }

    /// A model of any kind: a causal language model, or one that scores sequences.
    public static LoadedModel openAny(ModelConfig config) {
        return open(config, ModelSetup::loadAsIs);
    }

    /// Opens a model of any kind from a setup, which it takes over.
    public static LoadedModel openAny(ModelSetup setup) {
        return open(setup, ModelSetup::loadAsIs);
    }

    private static LoadedModel open(ModelConfig config, Function<ModelSetup, Decoder> load) {
        return open(ModelSetup.open(config, HubDownload.cache()), load);
    }

    private static LoadedModel open(ModelSetup setup, Function<ModelSetup, Decoder> load) {
        try {
            return Engine.call(() -> of(setup, load.apply(setup)));
        } catch (RuntimeException e) {
            setup.close();
            throw e;
        }
    }

    private static LoadedModel of(ModelSetup setup, Decoder decoder) {
        try {
            Optional<Policy> adapted =
                    setup.adapter()
                            .map(a -> Policy.withAdapter(decoder, a, Policy.Options.defaults()));
            return new LoadedModel(setup, decoder, adapted);
        } catch (RuntimeException e) {
            decoder.close();
            throw e;
        }
    }

    public ModelSetup setup() {
        return setup;
    }

    public Decoder decoder() {
        return decoder;
    }

    /// The decoder with its adapter, if there is one.
    public Optional<Policy> adapted() {
        return adapted;
    }

    public Adapter adapterInUse() {
        return adapted.map(Policy::adapterInUse).orElse(Adapter.OFF);
    }

    /// Generates text with the adapter, if there is one.
    public TextCompleter completer() {
        return completer(adapterInUse());
    }

    /// Generates text with another adapter on the same weights.
    ///
    /// @param name folder or hub name; empty: none
    public TextCompleter completerWith(Optional<String> name) {
        if (name.isEmpty()) {
            return completer(Adapter.OFF);
        }
        try (var folder = AdapterFolder.open(name.get(), HubDownload.cache())) {
            Policy policy =
                    adapted.orElseThrow(
                            () -> new IllegalStateException("opened without an adapter"));
            return completer(Engine.call(() -> policy.addAdapter(folder)));
        }
    }

    private TextCompleter completer(Adapter adapter) {
        Tokenizer tokenizer = setup.text().tokenizer();
        return new TextCompleter(Generator.of(decoder, adapter, tokenizer), tokenizer);
    }

    @Override
    public void close() {
        Engine.run(
                () -> {
                    adapted.ifPresent(Policy::close);
                    decoder.close();
                    setup.close();
                });
    }
}
