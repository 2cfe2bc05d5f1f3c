package org.attune.model.layer;

import org.attune.model.config.BlockOrder;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// One transformer block: what it computes, not how.
///
/// @param order of parts and norms
/// @param mixerNorms around what mixes tokens
/// @param mixers mix tokens: one, two side by side, or none
/// @param feedForwardNorms around the feed-forward part
/// @param feedForward changes each token, if there is such a part
/// @param end what is done to the output
public record Block(
        BlockOrder order,
        Norms mixerNorms,
        List<Mixer> mixers,
        Norms feedForwardNorms,
        Optional<FeedForward> feedForward,
        BlockEnd end) {
    /// Norms around a part of a block.
    ///
    /// @param before of what the part reads
    /// @param after of what it puts out
    public record Norms(Optional<Norm> before, Optional<Norm> after) {}

    /// A block of attention and a feed-forward part.
    Block(
            BlockOrder order,
            Norms mixerNorms,
            SelfAttention attention,
            Norms feedForwardNorms,
            FeedForward feedForward) {
        this(
                order,
                mixerNorms,
                List.of(attention),
                feedForwardNorms,
                Optional.of(feedForward),
                BlockEnd.NONE);
    }

    /// Attention, if it alone mixes tokens.
    public Optional<SelfAttention> onlyAttention() {
        return mixers.size() == 1 && mixers.getFirst() instanceof SelfAttention attention
                ? Optional.of(attention)
                : Optional.empty();
    }

    /// Attention, if the block has some.
    public Optional<SelfAttention> attention() {
        return mixers.stream()
                .filter(SelfAttention.class::isInstance)
                .map(SelfAttention.class::cast)
                .findFirst();
    }

    /// The linear layers, in the order in which they are computed.
    public List<FusedLinear> linears() {
        List<FusedLinear> all = new ArrayList<>();
        mixers.forEach(mixer -> all.addAll(mixer.linears()));
        feedForward.ifPresent(part -> all.addAll(part.linears()));
        all.addAll(end.linears());
        return all;
    }

    /// Numbers that nothing trains and that belong to a written model.
    public List<Weight> buffers() {
        List<Weight> all = new ArrayList<>();
        feedForward.ifPresent(part -> all.addAll(part.buffers()));
        end.scalar().ifPresent(all::add);
        return all;
    }

    /// The norms, in the order in which they are computed. One that both parts read comes once.
    public List<Norm> norms() {
        List<Norm> all = new ArrayList<>();
        mixerNorms.before().ifPresent(all::add);
        mixers.forEach(mixer -> all.addAll(mixer.norms()));
        mixerNorms.after().ifPresent(all::add);
        feedForwardNorms.before().filter(norm -> !all.contains(norm)).ifPresent(all::add);
        feedForward.ifPresent(part -> all.addAll(part.norms()));
        feedForwardNorms.after().ifPresent(all::add);
        all.addAll(end.norms());
        return all;
    }

    /// Weights that belong to neither.
    public List<Weight> others() {
        List<Weight> all = new ArrayList<>();
        mixers.forEach(mixer -> all.addAll(mixer.others()));
        feedForward.ifPresent(part -> all.addAll(part.others()));
        all.addAll(end.others());
        return all;
    }
}
