package org.attune.model.layer;

import org.attune.model.config.BlockOrder;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// One transformer block: what it computes, not how.
///
/// @param order of parts and norms
/// @param mixerNorms around what mixes tokens
/// @param mixers mix tokens: one, two side by side, or none
/// @param feedForwardNorms around the feed-forward part
/// @param feedForward changes each token, if there is such a part
/// @param end what is done to the output
/// @param learned what is added beside the mixers, if there is such a part
/// @param copies of the residual stream, if there are several
public record Block(
        BlockOrder order,
        Norms mixerNorms,
        List<Mixer> mixers,
        Norms feedForwardNorms,
        Optional<FeedForward> feedForward,
        BlockEnd end,
        Optional<LearnedResidual> learned,
        Optional<AltUp> copies) {
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
                BlockEnd.NONE,
                Optional.empty(),
                Optional.empty());
    }

    /// Whether its parts are added to one residual stream, and nothing else is done.
    public boolean addsAlone() {
        return end.isNone() && learned.isEmpty() && copies.isEmpty();
    }

    /// The residual stream behind the block. `N` rows, `D` model width, `C` copies.
    ///
    /// @param x stream before it, `(N, D)`, or `(N, C D)` behind the first block
    /// @param parts the block's parts with the stream that they are added to, `(N, D)` to `(N, D)`
    /// @param vector of the layer, `(N, P)`, where it reads one; else nothing
    public Tensor around(
            Tensor x, UnaryOperator<Tensor> parts, Optional<Tensor> vector, Expression e) {
        if (copies.isPresent()) {
            return copies.get().around(x, parts, read -> end.added(read, vector, e), e);
        }
        Tensor out = parts.apply(x);
        return end.isNone() ? out : end.apply(out, vector, e);
    }

    /// The stream behind the mixers, `(N, D)`.
    ///
    /// @param sum the stream before them and what they put out, `(N, D)`
    /// @param h what they read, `(N, D)`
    public Tensor behindMixers(Tensor sum, Tensor h, Expression e) {
        return learned.map(l -> l.joined(sum, h, e)).orElse(sum);
    }

    /// Bytes of what is beside the parts makes of a row with autograd, at most.
    ///
    /// @param number bytes of one in the compute dtype
    public long bytesBesideParts(long number) {
        return end.expressionBytes(number)
                + learned.map(l -> l.expressionBytes(number)).orElse(0L)
                + copies.map(c -> c.expressionBytes(number)).orElse(0L);
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
        learned.ifPresent(l -> all.addAll(l.linears()));
        copies.ifPresent(c -> all.addAll(c.linears()));
        all.addAll(end.linears());
        return all;
    }

    /// Whether decoding can read the copies of layers that forward passes read.
    boolean canServeTokens() {
        List<FusedLinear> few = feedForward.map(FeedForward::few).orElse(List.of());
        return linears().stream().allMatch(l -> l.decodingCopy().canServe(few.contains(l)));
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
        learned.ifPresent(l -> all.add(l.norm()));
        copies.ifPresent(c -> all.add(c.norm()));
        all.addAll(end.norms());
        return all;
    }

    /// Whether backward passes with an adapter teach something here.
    boolean learns(Adapter adapter) {
        return linears().stream().anyMatch(linear -> linear.learns(adapter))
                || norms().stream()
                        .flatMap(norm -> norm.weights().stream())
                        .anyMatch(weight -> weight.learns(adapter))
                || others().stream().anyMatch(weight -> weight.learns(adapter));
    }

    /// Whether an adapter changes nothing but linear layers that read every row, and those such
    /// that its rows can stand beside others' ([AdapterRows]).
    boolean joins(Adapter adapter) {
        return linears().stream().allMatch(linear -> linear.joins(adapter))
                && Stream.concat(
                                norms().stream().flatMap(n -> n.weights().stream()),
                                others().stream())
                        .noneMatch(weight -> weight.differs(adapter));
    }

    /// Weights that belong to neither.
    public List<Weight> others() {
        List<Weight> all = new ArrayList<>();
        mixers.forEach(mixer -> all.addAll(mixer.others()));
        feedForward.ifPresent(part -> all.addAll(part.others()));
        copies.ifPresent(c -> all.add(c.scale()));
        all.addAll(end.others());
        return all;
    }
}
