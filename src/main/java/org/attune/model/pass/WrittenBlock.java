package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Block;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FeedForward;
import org.attune.model.layer.StateMixer;
import org.attune.model.layer.VariedAttention;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.List;
import java.util.Optional;

/// Forward and backward of a block by halves. Those that are written by hand have no autograd graph
/// and keep only what they list; [PlainBlock] computes any block in ordinary operators, and tests
/// hold one against the other. Shapes are those of [Saved].
///
/// @param parallel whether both halves read the block's input
record WrittenBlock(BlockHalf mixer, BlockHalf feedForward, boolean parallel) {
    /// @param out block output, `(N, D)`
    /// @param saved for [#backward]
    record Result(Tensor out, Saved saved) {}

    /// The blocks of a decoder, in order; empty in place of those that have one part only, or no
    /// half that is written by hand.
    static List<Optional<WrittenBlock>> all(Decoder decoder) {
        boolean attention = decoder.config().unwrittenAttention().isEmpty();
        boolean feedForward = decoder.config().unwrittenFeedForward().isEmpty();
        return decoder.blocks().stream().map(b -> of(b, attention, feedForward)).toList();
    }

    private static Optional<WrittenBlock> of(
            Block block, boolean attentionWritten, boolean feedForwardWritten) {
        boolean gives = // or is given something beside the residual stream
                !block.addsAlone()
                        || block.mixers().stream().anyMatch(VariedAttention.class::isInstance);
        if (block.mixers().isEmpty() || block.feedForward().isEmpty() || gives) {
            return Optional.empty();
        }
        BlockHalf mixer = mixer(block, attentionWritten);
        BlockHalf feedForward =
                feedForwardWritten
                        ? feedForward(block, block.feedForward().get())
                        : new PlainHalf(block, false);
        return mixer instanceof PlainHalf && feedForward instanceof PlainHalf
                ? Optional.empty()
                : Optional.of(new WrittenBlock(mixer, feedForward, block.order().isParallel()));
    }

    private static BlockHalf mixer(Block block, boolean attentionWritten) {
        if (block.mixers().size() == 1
                && block.mixers().getFirst() instanceof StateMixer state
                && state.isBetween()) {
            return new StateHalf(block, state);
        }
        return block.onlyAttention()
                .filter(_ -> attentionWritten)
                .<BlockHalf>map(a -> new AttentionHalf(block.mixerNorms(), a))
                .orElseGet(() -> new PlainHalf(block, true));
    }

    private static BlockHalf feedForward(Block block, FeedForward part) {
        if (part instanceof FeedForward.Dense dense) {
            return new DenseHalf(block.feedForwardNorms(), dense);
        }
        return new ExpertsHalf(block.feedForwardNorms(), part);
    }

    /// Bytes that [Saved] has of a row, its input aside.
    ///
    /// @param number bytes of one in the compute dtype
    long savedBytes(DecoderConfig config, long number) {
        return mixer.keptBytes(config, number)
                + number * config.hiddenSize()
                + feedForward.keptBytes(config, number);
    }

    /// Everything made stays in the current scope.
    Result forward(Tensor x, PassContext pass) {
        BlockHalf.Result mixed = mixer.forward(x, x, pass);
        Tensor x2 = mixed.sum();
        BlockHalf.Result out = feedForward.forward(read(x, x2), x2, pass);
        return new Result(out.sum(), new Saved(x, mixed.kept(), x2, out.kept()));
    }

    /// What [#forward] saves, computed again without the block's output, which nobody needs then.
    ///
    /// @param attention what it made, if that was kept
    Saved again(Tensor x, Optional<KeptAttention> attention, PassContext pass) {
        BlockHalf.Result mixed =
                mixer instanceof AttentionHalf half
                        ? half.forward(x, x, attention, pass)
                        : mixer.forward(x, x, pass);
        Tensor x2 = mixed.sum();
        return new Saved(x, mixed.kept(), x2, feedForward.again(read(x, x2), x2, pass));
    }

    /// What [#forward] saves: kept rows are taken over, the rest is computed again.
    Saved completed(KeptRows kept, PassContext pass) {
        return new Saved(
                kept.x(),
                ((AttentionHalf) mixer).completed(kept, pass),
                kept.x2(),
                ((DenseHalf) feedForward).completed(kept, pass));
    }

    /// What the feed-forward half reads.
    private Tensor read(Tensor x, Tensor x2) {
        return parallel ? x : x2;
    }

    /// Frees what was saved, but for the input, on the way.
    ///
    /// @param dOut gradient of the block's output, `(N, D)`
    /// @return gradient of its input, `(N, D)`; parameters' gradients are added where they belong
    Tensor backward(Tensor dOut, Saved s, PassContext pass) {
        Tensor dx2; // in a parallel block of the input too
        try (var scope = TensorScope.open("feed-forward")) {
            Tensor from = read(s.x(), s.x2());
            dx2 = scope.keep(feedForward.backward(dOut, dOut, from, s.feedForward(), pass));
        }
        s.freeFeedForward();
        try (var scope = TensorScope.open("attention")) {
            Tensor behind = parallel ? dOut : dx2;
            Tensor dx = scope.keep(mixer.backward(behind, dx2, s.x(), s.mixer(), pass));
            s.freeMixer();
            return dx;
        }
    }
}
