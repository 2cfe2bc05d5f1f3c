package org.attune.model.decode;

import org.attune.model.config.DecoderConfig;
import org.attune.model.config.NormConfig;
import org.attune.model.config.QkNorm;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.AdapterRows;
import org.attune.model.layer.Block;
import org.attune.model.layer.Carried;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.Norm;
import org.attune.model.layer.RmsNorm;
import org.attune.model.layer.SelfAttention;
import org.attune.model.layer.StateMixer;
import org.attune.model.pass.HeadViews;
import org.attune.model.pass.Ropes;
import org.attune.tensor.Tensor;
import org.attune.tensor.TokenPass;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/// A decoder's blocks as [TokenPass] takes them, for one pass.
///
/// @param config of the decoder
/// @param layers its blocks
/// @param projected columns of what mixers' inputs are projected to, at most
/// @param like a tensor of its device and dtype
record TokenBlocks(DecoderConfig config, List<TokenPass.Layer> layers, int projected, Tensor like) {
    /// What the blocks read beside their input.
    ///
    /// @param states of each layer, where it has one
    record Context(AdapterRows rows, KvCache cache, Ropes ropes, IntFunction<Carried> states) {
        Adapter adapter() {
            return rows.elsewhere();
        }
    }

    /// Empty if the blocks have parts that the kernel doesn't know, if the decoder keeps no weights
    /// for it ([Decoder#packDecoding]), or if an adapter isn't one that it can have.
    static Optional<TokenBlocks> of(Decoder decoder, Context context) {
        DecoderConfig config = decoder.config();
        if (!config.unlikeTokens().isEmpty()) {
            return Optional.empty();
        }
        List<TokenPass.Layer> layers = new ArrayList<>();
        int projected = 0;
        for (Block b : decoder.blocks()) {
            Optional<TokenPass.Layer> layer = layer(config, b, layers.size(), context);
            if (layer.isEmpty()) {
                return Optional.empty();
            }
            layers.add(layer.get());
            projected = Math.max(projected, b.mixers().getFirst().linears().getFirst().out());
        }
        Tensor like = decoder.embedding().base();
        return Optional.of(new TokenBlocks(config, layers, projected, like));
    }

    private static Optional<TokenPass.Layer> layer(
            DecoderConfig config, Block b, int number, Context context) {
        Optional<TokenPass.Part> part = b.feedForward().flatMap(f -> f.tokenKernel(context.rows()));
        Optional<TokenPass.Mixer> mixer =
                switch (b.mixers().getFirst()) {
                    case SelfAttention a -> attention(config, a, number, context);
                    case StateMixer s -> delta(s, number, context);
                    default -> Optional.empty();
                };
        if (part.isEmpty() || mixer.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                new TokenPass.Layer(
                        norms(b.mixerNorms(), context),
                        mixer.get(),
                        norms(b.feedForwardNorms(), context),
                        part.get()));
    }

    private static Optional<TokenPass.Linear> linear(FusedLinear linear, Context context) {
        return linear.decodingCopy().of(context.rows());
    }

    private static Optional<TokenPass.Mixer> attention(
            DecoderConfig config, SelfAttention a, int number, Context context) {
        TokenPass.HeadNorms norms =
                a.queryNorm() == null
                        ? null
                        : new TokenPass.HeadNorms(
                                weight(a.queryNorm(), context),
                                weight(a.keyNorm(), context),
                                config.attention().qkNorm() == QkNorm.TOGETHER);
        Optional<TokenPass.Linear> output = linear(a.output(), context);
        return linear(a.qkv(), context)
                .flatMap(
                        qkv ->
                                output.map(
                                        out ->
                                                new TokenPass.Attention(
                                                        qkv,
                                                        norms,
                                                        config.attention().gated(),
                                                        a.window(),
                                                        context.ropes().of(a).rotation(),
                                                        context.cache().block(number),
                                                        out)));
    }

    private static Optional<TokenPass.Mixer> delta(StateMixer s, int number, Context context) {
        Carried states = context.states().apply(number);
        Optional<TokenPass.Linear> in = linear(s.in(), context);
        Optional<TokenPass.Linear> out = linear(s.out(), context);
        return in.isEmpty() || out.isEmpty()
                ? Optional.empty()
                : s.tokenKernel(context.adapter())
                        .map(
                                layer ->
                                        new TokenPass.Delta(
                                                in.get(),
                                                layer,
                                                states.allInputs(),
                                                states.allMatrices(),
                                                out.get()));
    }

    private static TokenPass.Norms norms(Block.Norms norms, Context context) {
        return new TokenPass.Norms(
                norms.before().map(n -> weight(n, context)).orElse(null),
                norms.after().map(n -> weight(n, context)).orElse(null));
    }

    private static Tensor weight(Norm norm, Context context) {
        return ((RmsNorm) norm).weight().value(context.adapter());
    }

    /// Places for `rows` rows of which only the last block's output is wanted, in the current
    /// scope.
    List<TokenPass.Place> places(int rows) {
        Tensor mixed = rows(rows, projected);
        Tensor x2 = rows(rows, config.hiddenSize());
        Tensor[] out = {rows(rows, config.hiddenSize()), rows(rows, config.hiddenSize())};
        List<TokenPass.Place> places = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            places.add(new TokenPass.Place(mixed, null, x2, null, null, out[i % 2], 0, 0));
        }
        return places;
    }

    private Tensor rows(int rows, int width) {
        return Tensor.empty(like.device(), like.dtype(), rows, width);
    }

    /// @param x input of the first block, `(B, D)`
    void run(Tensor x, List<TokenPass.Place> places, TokenPass.Sequences sequences) {
        var norm = (NormConfig.Rms) config.block().norm();
        var shape =
                new TokenPass.Shape(
                        HeadViews.shape(config),
                        norm.epsilon(),
                        norm.offset(),
                        config.block().residualScale());
        TokenPass.run(shape, layers, x, places, sequences);
    }
}
