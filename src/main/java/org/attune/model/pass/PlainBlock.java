package org.attune.model.pass;

import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.QkNorm;
import org.attune.model.layer.Block;
import org.attune.model.layer.Expression;
import org.attune.model.layer.FeedForward;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.LatentAttention;
import org.attune.model.layer.LayerInputs;
import org.attune.model.layer.Leaves;
import org.attune.model.layer.Mixer;
import org.attune.model.layer.Norm;
import org.attune.model.layer.PlainLinear;
import org.attune.model.layer.RouterWatch;
import org.attune.model.layer.SelfAttention;
import org.attune.model.layer.StateMixer;
import org.attune.model.layer.VariedAttention;
import org.attune.model.layer.VirtualTokens;
import org.attune.model.layer.Weight;
import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Elements;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/// A block in ordinary operators with autograd: it computes every combination of parts, and is the
/// yardstick for [WrittenBlock]. Its backward pass runs the block again with recording on.
///
/// Shapes: `N` rows, `D` width, `C` key/value heads, `G` query heads per key/value head, `K` head
/// size.
final class PlainBlock {
    private final Block block;
    private final PassContext pass;
    private final List<Leaf> leaves = new ArrayList<>();
    private final List<Tensor> terms = new ArrayList<>(); // of the loss, of this block's router
    private final List<Given> given = new ArrayList<>();
    private final Leaves learning = this::leaf;

    /// @param parameter compute copy that collects a gradient
    /// @param learner gets it, float32
    private record Leaf(Tensor parameter, Consumer<Tensor> learner) {}

    /// @param value with its graph
    private record Given(SideTensors.Key key, Tensor value) {}

    PlainBlock(Block block, PassContext pass) {
        this.block = block;
        this.pass = pass;
    }

    /// `(N, D)` to `(N, D)`, nothing recorded.
    Tensor forward(Tensor x) {
        return run(x, false);
    }

    /// @param x input of the forward pass
    /// @param dOut gradient of its output
    /// @return gradient of `x`; parameters' gradients are added where they belong
    Tensor backward(Tensor x, Tensor dOut) {
        return backward(x, dOut, input -> run(input, true));
    }

    /// What half of the block puts out, nothing recorded.
    ///
    /// @param mixes whether it is the half that mixes tokens
    /// @param from what it reads, `(N, D)`
    /// @return `(N, D)`
    Tensor half(boolean mixes, Tensor from) {
        return half(mixes, from, false);
    }

    /// The gradient of what half of the block reads, `(N, D)`.
    ///
    /// @param dOut gradient of what it puts out
    Tensor halfBackward(boolean mixes, Tensor from, Tensor dOut) {
        return backward(from, dOut, input -> half(mixes, input, true));
    }

    /// The gradient of what a mixer's input is projected to, `(N, P)`.
    ///
    /// @param y what it is projected to
    /// @param dOut gradient of what is projected back
    Tensor betweenBackward(StateMixer mixer, Tensor y, Tensor dOut) {
        return backward(y, dOut, x -> mixer.between(x, expression(true), pass.succession()));
    }

    /// What a mixer projects back, nothing recorded, `(N, O)`.
    Tensor between(StateMixer mixer, Tensor y) {
        return mixer.between(y, expression(false), pass.succession());
    }

    private Tensor half(boolean mixes, Tensor from, boolean training) {
        return scaled(
                mixes
                        ? mixed(norm(block.mixerNorms().before(), from, training), training)
                        : feedForward(block.feedForward().orElseThrow(), from, training));
    }

    private Tensor backward(Tensor x, Tensor dOut, UnaryOperator<Tensor> part) {
        Tensor input = x.detach().requireGradient(true);
        try (var _ = Autograd.enabled()) {
            follow(part.apply(input), dOut);
        }
        for (Leaf leaf : leaves) {
            Tensor gradient = leaf.parameter().gradient(); // null: nothing depends on it
            if (gradient != null) {
                leaf.learner().accept(gradient.to(DType.FLOAT32));
            }
        }
        leaves.clear();
        return input.gradient().copy();
    }

    /// Back-propagates from the output, from a router's loss, and from what later blocks read.
    private void follow(Tensor y, Tensor dOut) {
        List<Tensor> sums = new ArrayList<>(terms);
        for (Given g : given) {
            pass.sides()
                    .gradient(g.key())
                    .map(d -> g.value().mul(d.to(g.value().dtype())).sum().to(DType.FLOAT32))
                    .ifPresent(sums::add);
        }
        terms.clear();
        given.clear();
        if (sums.isEmpty()) {
            y.backward(dOut);
            return;
        }
        Tensor sum = y.mul(dOut).sum().to(DType.FLOAT32); // one graph, so one backward pass
        for (Tensor term : sums) {
            sum = sum.add(term);
        }
        sum.backward();
    }

    private void routed(RouterWatch watch, Tensor logits, int chosen, boolean training) {
        if (!training) {
            watch.count(logits, chosen);
        } else if (watch.learns()) {
            terms.add(watch.term(logits));
        }
    }

    private Tensor run(Tensor x, boolean training) {
        block.end().makes().ifPresent(inputs -> giveVectors(inputs, x, training));
        Optional<Tensor> vector =
                block.end().readsVector()
                        ? Optional.of(side(SideTensors.Kind.VECTORS, block.end().layer(), training))
                        : Optional.empty();
        return block.around(x, copy -> parts(copy, training), vector, expression(training));
    }

    /// What the parts leave in the residual stream, `(N, D)`.
    private Tensor parts(Tensor x, boolean training) {
        Tensor x2 = block.mixers().isEmpty() ? x : afterMixers(x, training);
        if (block.feedForward().isEmpty()) {
            return x2;
        }
        Tensor read = block.order().isParallel() ? x : x2;
        return x2.add(scaled(feedForward(block.feedForward().get(), read, training)));
    }

    private Tensor afterMixers(Tensor x, boolean training) {
        Tensor h = norm(block.mixerNorms().before(), x, training);
        Tensor sum = x.add(scaled(mixed(h, training)));
        return block.behindMixers(sum, h, expression(training));
    }

    private void giveVectors(LayerInputs inputs, Tensor x, boolean training) {
        Tensor all = inputs.of(x, pass.ids(), expression(training)); // (N, L, P)
        for (int layer = 0; layer < all.size(1); layer++) {
            give(SideTensors.Kind.VECTORS, layer, all.select(1, layer), training);
        }
    }

    /// Gives a tensor to later blocks. In the backward pass they have it already.
    private void give(SideTensors.Kind kind, int layer, Tensor value, boolean training) {
        var key = new SideTensors.Key(kind, layer);
        if (training) {
            given.add(new Given(key, value));
        } else {
            pass.sides().give(key, value);
        }
    }

    /// What a block was given. Its gradient goes back there.
    private Tensor side(SideTensors.Kind kind, int layer, boolean training) {
        var key = new SideTensors.Key(kind, layer);
        for (Given own : given) {
            if (own.key().equals(key)) {
                return own.value();
            }
        }
        Tensor value = pass.sides().value(key);
        return training ? leaf(value, d -> pass.sides().addGradient(key, d)) : value;
    }

    private Tensor scaled(Tensor part) {
        double scale = pass.config().block().residualScale();
        return scale == 1 ? part : part.mul(scale);
    }

    /// What mixes tokens adds to the residual stream, `(N, D)`.
    ///
    /// @param h what it reads, normed, `(N, D)`
    private Tensor mixed(Tensor h, boolean training) {
        Tensor sum = null;
        for (Mixer mixer : block.mixers()) {
            Tensor part =
                    switch (mixer) {
                        case SelfAttention a -> attended(attention(a, h, training));
                        case LatentAttention a -> attended(latent(a, h, training));
                        case VariedAttention a -> attended(varied(a, h, training));
                        case StateMixer s -> s.apply(h, expression(training), pass.succession());
                    };
            sum = sum == null ? part : sum.add(part);
        }
        return norm(block.mixerNorms().after(), sum, training);
    }

    private Tensor attended(Tensor part) {
        double scale = pass.config().block().mixers().attentionScale();
        return scale == 1 ? part : part.mul(scale);
    }

    private Expression expression(boolean training) {
        return new Expression() {
            @Override
            public Tensor of(FusedLinear linear, Tensor x) {
                return project(linear, x, training);
            }

            @Override
            public Tensor value(Weight weight) {
                return PlainBlock.this.value(weight, training);
            }

            @Override
            public void routed(Tensor logits, int chosen) {
                pass.routers().ifPresent(w -> PlainBlock.this.routed(w, logits, chosen, training));
            }
        };
    }

    /// @param h normed input, `(N, D)`
    /// @return `(N, D)`
    private Tensor attention(SelfAttention a, Tensor h, boolean training) {
        DecoderConfig c = pass.config();
        int n = pass.size();
        Tensor projected = HeadViews.inOrder(a, project(a.qkv(), h, training), c);
        boolean gated = c.attention().gated();
        Tensor y = gated ? HeadViews.withoutGates(projected, c) : projected; // (N, (CG + 2C) K)
        if (c.attention().qkNorm() == QkNorm.TOGETHER) {
            y = normedTogether(a, y, training);
        }
        Tensor q = heads(y, 0, c.heads());
        Tensor k = heads(y, c.heads(), c.kvHeads());
        Tensor v = heads(y, c.heads() + c.kvHeads(), c.kvHeads());
        boolean after = c.attention().qkNorm().isAfterRotation();
        if (c.attention().qkNorm().isByHead() && !after) {
            q = norm(Optional.of(a.queryNorm()), q, training);
            k = norm(Optional.of(a.keyNorm()), k, training);
        }
        if (c.attention().clip() > 0) {
            q = Elements.clamped(q, c.attention().clip());
            k = Elements.clamped(k, c.attention().clip());
            v = Elements.clamped(v, c.attention().clip());
        }
        if (a.rotates()) {
            q = pass.rope(a).apply(q);
            k = pass.rope(a).apply(k);
        }
        if (after && a.queryNorm() != null) {
            q = norm(Optional.of(a.queryNorm()), q, training);
            k = norm(Optional.of(a.keyNorm()), k, training);
        }
        if (c.grows(a.rotates())) {
            q = pass.rope(a).grown(q);
        }
        if (pass.prefix().isPresent()) {
            VirtualTokens.Prefix prefix = pass.prefix().get();
            VirtualTokens tokens = prefix.tokens();
            k = prefix.among(k, given(tokens.keys(a), d -> tokens.learnKeys(a, d), training));
            v = prefix.among(v, given(tokens.values(a), d -> tokens.learnValues(a, d), training));
        }
        int groups = c.heads() / c.kvHeads();
        Tensor byHead =
                q.mul(c.attention().scale())
                        .reshape(n, c.kvHeads(), groups, c.headDim())
                        .transpose(0, 1); // (C, N, G, K)
        Tensor o =
                pass.attention()
                        .apply(
                                byHead,
                                k.transpose(0, 1),
                                v.transpose(0, 1),
                                a.window(),
                                a.softcap(),
                                a.sinks().map(w -> value(w, training))); // (C, N, G, K)
        Tensor flat = o.transpose(0, 1).reshape(n, (long) c.heads() * c.headDim());
        Tensor passed = gated ? flat.mul(HeadViews.gates(projected, c).sigmoid()) : flat;
        return project(a.output(), norm(a.inner(), passed, training), training);
    }

    private Tensor given(Tensor own, Consumer<Tensor> learner, boolean training) {
        return training ? leaf(own, learner) : own;
    }

    /// @param h normed input, `(N, D)`
    /// @return `(N, D)`
    private Tensor latent(LatentAttention a, Tensor h, boolean training) {
        AttentionConfig c = pass.config().attention();
        LatentAttention.Heads heads =
                a.heads(h, c, expression(training), x -> pass.rope().apply(x));
        Tensor q = heads.queries().mul(c.scale()).unsqueeze(2); // (N, H, 1, K)
        Tensor o =
                pass.attention()
                        .apply(
                                q.transpose(0, 1),
                                heads.keys().transpose(0, 1),
                                heads.values().transpose(0, 1),
                                0,
                                0,
                                Optional.empty()); // (H, N, 1, V)
        Tensor flat = o.transpose(0, 1).reshape(pass.size(), (long) c.heads() * c.valueDim());
        return project(a.output(), flat, training);
    }

    /// @param h normed input, `(N, D)`
    /// @return `(N, D)`
    private Tensor varied(VariedAttention a, Tensor h, boolean training) {
        AttentionConfig c = pass.config().attention();
        Expression e = expression(training);
        int kvHeads = a.sizes().kvHeads();
        int size = a.sizes().headDim();
        Tensor k;
        Tensor v;
        if (a.keysAndValues().isPresent()) {
            Tensor[] own = a.keysAndValues(h, e, x -> pass.rope(a.window()).apply(x));
            k = own[0];
            v = own[1];
            if (a.lends()) {
                give(SideTensors.Kind.KEYS, a.source(), k, training);
                give(SideTensors.Kind.VALUES, a.source(), v, training);
            }
        } else {
            k = side(SideTensors.Kind.KEYS, a.source(), training);
            v = side(SideTensors.Kind.VALUES, a.source(), training);
        }
        Tensor q =
                a.queries(h, e, x -> pass.rope(a.window()).apply(x))
                        .mul(c.scale())
                        .reshape(pass.size(), kvHeads, c.heads() / kvHeads, size)
                        .transpose(0, 1); // (C, N, G, K)
        Tensor o =
                pass.attention()
                        .apply(
                                q,
                                k.transpose(0, 1),
                                v.transpose(0, 1),
                                a.window(),
                                a.softcap(),
                                Optional.empty()); // (C, N, G, K)
        Tensor flat = o.transpose(0, 1).reshape(pass.size(), (long) c.heads() * size);
        return project(a.output(), flat, training);
    }

    /// Queries and keys normed over all of their heads.
    ///
    /// @param y projections, `(N, (CG + 2C) K)`
    private Tensor normedTogether(SelfAttention a, Tensor y, boolean training) {
        DecoderConfig c = pass.config();
        long queries = (long) c.heads() * c.headDim();
        long keys = (long) c.kvHeads() * c.headDim();
        return Tensor.cat(
                1,
                norm(Optional.of(a.queryNorm()), y.narrow(1, 0, queries), training),
                norm(Optional.of(a.keyNorm()), y.narrow(1, queries, keys), training),
                y.narrow(1, queries + keys, keys));
    }

    /// Some heads of the projections, `(N, count, K)`.
    private Tensor heads(Tensor y, int first, int count) {
        long size = pass.config().headDim();
        return y.narrow(1, first * size, count * size).reshape(y.size(0), count, size);
    }

    /// What the feed-forward part adds, `(N, D)`.
    private Tensor feedForward(FeedForward part, Tensor x, boolean training) {
        Tensor h = norm(block.feedForwardNorms().before(), x, training);
        Tensor out = part.apply(h, expression(training));
        return norm(block.feedForwardNorms().after(), out, training);
    }

    private Tensor norm(Optional<? extends Norm> norm, Tensor x, boolean training) {
        return norm.isEmpty() ? x : norm.get().apply(x, w -> value(w, training));
    }

    private Tensor value(Weight weight, boolean training) {
        Tensor value = weight.value(pass.adapter());
        Tensor gradient = weight.gradient(pass.adapter());
        return training && gradient != null ? learning.leaf(value, gradient, 1) : value;
    }

    /// Computes all parts of a fused layer, side by side.
    private Tensor project(FusedLinear linear, Tensor x, boolean training) {
        Tensor[] parts = new Tensor[linear.parts().size()];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = project(linear, i, x, training);
        }
        return parts.length == 1 ? parts[0] : Tensor.cat(1, parts);
    }

    private Tensor project(FusedLinear linear, int part, Tensor x, boolean training) {
        Leaves own = training ? learning : Leaves.NONE;
        return new PlainLinear(linear, part, pass.adapter(), pass.dropout(), own).forward(x);
    }

    private Tensor leaf(Tensor parameter, Consumer<Tensor> learner) {
        if (learner == null) {
            return parameter;
        }
        Tensor leaf = parameter.detach().requireGradient(true);
        leaves.add(new Leaf(leaf, learner));
        return leaf;
    }
}
