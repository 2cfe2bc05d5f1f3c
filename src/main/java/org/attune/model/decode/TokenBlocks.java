package org.attune.model.decode;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.AdapterRows;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.LlamaBlock;
import org.attune.model.layer.Norm;
import org.attune.model.layer.RmsNorm;
import org.attune.model.pass.HeadViews;
import org.attune.tensor.Tensor;
import org.attune.tensor.TokenPass;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A decoder's blocks as [TokenPass] takes them.
///
/// @param config of the decoder
/// @param layers its blocks
/// @param like a tensor of its device and dtype
record TokenBlocks(DecoderConfig config, List<TokenPass.Layer> layers, Tensor like) {
    /// Empty if the blocks aren't Llama's, if the decoder keeps no weights for it
    /// ([Decoder#packDecoding]), or if an adapter isn't one that it can have.
    static Optional<TokenBlocks> of(Decoder decoder, AdapterRows rows) {
        Adapter adapter = rows.elsewhere();
        List<TokenPass.Layer> layers = new ArrayList<>();
        for (LlamaBlock b : decoder.llamaBlocks().orElse(List.of())) {
            List<TokenPass.Linear> linears =
                    b.linears().stream().flatMap(l -> l.decodingCopy().of(rows).stream()).toList();
            if (linears.size() < b.linears().size()) {
                return Optional.empty();
            }
            layers.add(
                    new TokenPass.Layer(
                            weight(b.inputNorm(), adapter),
                            linears.get(0),
                            weight(b.attention().queryNorm(), adapter),
                            weight(b.attention().keyNorm(), adapter),
                            linears.get(1),
                            weight(b.postNorm(), adapter),
                            linears.get(2),
                            linears.get(3),
                            b.attention().window()));
        }
        if (layers.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new TokenBlocks(decoder.config(), layers, decoder.embedding().base()));
    }

    private static Tensor weight(Norm norm, Adapter adapter) {
        return norm == null ? null : ((RmsNorm) norm).weight().value(adapter);
    }

    /// Places for `rows` rows of which only the last block's output is wanted, in the current
    /// scope.
    List<TokenPass.Place> places(KvCache cache, int rows) {
        int heads = config.heads() * config.headDim();
        int keys = config.kvHeads() * config.headDim();
        Tensor qkv = rows(rows, heads + 2 * keys);
        Tensor x2 = rows(rows, config.hiddenSize());
        Tensor[] out = {rows(rows, config.hiddenSize()), rows(rows, config.hiddenSize())};
        List<TokenPass.Place> places = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            places.add(
                    new TokenPass.Place(
                            cache.block(i), qkv, null, x2, null, null, out[i % 2], 0, 0));
        }
        return places;
    }

    private Tensor rows(int rows, int width) {
        return Tensor.empty(like.device(), like.dtype(), rows, width);
    }

    /// @param x input of the first block, `(B, D)`
    void run(
            Tensor x,
            List<TokenPass.Place> places,
            TokenPass.Rotation rotation,
            TokenPass.Sequences sequences) {
        TokenPass.run(
                HeadViews.shape(config), config.normEps(), layers, x, places, rotation, sequences);
    }
}
