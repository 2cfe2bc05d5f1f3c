package org.attune.policy;

import org.attune.adapter.AdapterFolder;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.tensor.Engine;

import java.util.Optional;

/// An adapter on a decoder's weights that is used and never trained, beside any others. Use it on
/// the engine thread; close it before the decoder, after the last pass that reads it. Called on
/// other threads, [#attach], [#prepare] and [#close] take the engine for about half a millisecond
/// or a module at a time, and other work has its turn in between.
public final class FrozenAdapter implements AutoCloseable {
    private final Decoder decoder;
    private final Adapter name;
    private final AdapterParameters parameters;

    private FrozenAdapter(Decoder decoder, Adapter name, AdapterParameters parameters) {
        this.decoder = decoder;
        this.name = name;
        this.parameters = parameters;
    }

    /// Loads an adapter from a PEFT folder.
    ///
    /// @param number tells it apart from the decoder's other frozen adapters; ≥ 0
    /// @throws org.attune.error.AttuneException if they don't fit together
    public static FrozenAdapter attach(Decoder decoder, AdapterFolder folder, int number) {
        Adapter name = Adapter.frozen(number);
        try {
            return new FrozenAdapter(
                    decoder, name, AdapterParameters.load(decoder, folder, name, false));
        } catch (RuntimeException | Error e) {
            detach(decoder, name);
            throw e;
        }
    }

    private static void detach(Decoder decoder, Adapter name) {
        EnginePieces.each(decoder.linears(), linear -> linear.detachFrozen(name));
    }

    /// Makes what decoding reads, so that the first token doesn't wait for it.
    public void prepare() {
        EnginePieces.each(decoder.linears(), linear -> linear.prepareFrozen(name));
    }

    /// Copies a policy's adapter as it is now, which later training doesn't change.
    ///
    /// @param number tells it apart from the decoder's other frozen adapters; ≥ 0
    /// @throws IllegalStateException if all weights are trained
    public static FrozenAdapter copy(Policy policy, int number) {
        Adapter name = Adapter.frozen(number);
        return new FrozenAdapter(policy.decoder(), name, policy.own("copy").snapshot(name));
    }

    /// Names it in a pass.
    public Adapter name() {
        return name;
    }

    /// Measures with the adapter.
    ///
    /// @param decoder that it was attached to; borrowed
    public Scorer scorer(Decoder decoder) {
        return FrozenPass.scorer(decoder, name);
    }

    @Override
    public void close() {
        detach(decoder, name);
        Engine.run(
                () -> {
                    decoder.output().attachFrozen(name, Optional.empty());
                    parameters.close();
                });
    }
}
