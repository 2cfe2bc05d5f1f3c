package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Block;
import org.attune.model.layer.Dropout;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.LowRank;
import org.attune.model.layer.RmsNorm;
import org.attune.model.layer.Swiglu;
import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;

/// A block in ordinary operators with autograd: the yardstick for [WrittenBlock]. Its backward pass
/// runs the block again with recording on.
final class PlainBlock {
    private final Block block;
    private final PassContext pass;
    private final List<Leaf> leaves = new ArrayList<>();

    /// @param parameter compute copy that collects a gradient
    /// @param gradient float32 sum that it is added to
    /// @param scale factor on the way
    private record Leaf(Tensor parameter, Tensor gradient, double scale) {}

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
        Tensor input = x.detach().requireGradient(true);
        try (var _ = Autograd.enabled()) {
            run(input, true).backward(dOut);
        }
        for (Leaf leaf : leaves) {
            Tensor g = leaf.parameter().gradient().to(DType.FLOAT32);
            leaf.gradient().addInPlace(leaf.scale() == 1 ? g : g.mul(leaf.scale()));
        }
        leaves.clear();
        return input.gradient().copy();
    }

    private Tensor run(Tensor x, boolean training) {
        DecoderConfig c = pass.config();
        int n = pass.size();
        Tensor h = norm(block.inputNorm(), x, training);
        Tensor q = project(block.qkv(), 0, h, training).reshape(n, c.heads(), c.headDim());
        Tensor k = project(block.qkv(), 1, h, training).reshape(n, c.kvHeads(), c.headDim());
        Tensor v = project(block.qkv(), 2, h, training).reshape(n, c.kvHeads(), c.headDim());
        if (block.queryNorm() != null) {
            q = norm(block.queryNorm(), q, training);
            k = norm(block.keyNorm(), k, training);
        }
        q = pass.rope().apply(q).mul(1 / Math.sqrt(c.headDim()));
        k = pass.rope().apply(k);
        int groups = c.heads() / c.kvHeads();
        Tensor byHead = q.reshape(n, c.kvHeads(), groups, c.headDim()).transpose(0, 1);
        Tensor o =
                pass.attention()
                        .apply(byHead, k.transpose(0, 1), v.transpose(0, 1), block.window());
        Tensor flat = o.transpose(0, 1).reshape(n, (long) c.heads() * c.headDim());
        Tensor x2 = x.add(project(block.output(), 0, flat, training));
        Tensor h2 = norm(block.postNorm(), x2, training);
        Tensor gate = project(block.gateUp(), 0, h2, training);
        Tensor up = project(block.gateUp(), 1, h2, training);
        return x2.add(project(block.down(), 0, Swiglu.apply(c.activation(), gate, up), training));
    }

    private Tensor norm(RmsNorm norm, Tensor x, boolean training) {
        Tensor weight = norm.weight().value(pass.adapter());
        Tensor gradient = norm.weight().gradient(pass.adapter());
        boolean learns = training && gradient != null;
        return norm.apply(x, learns ? leaf(weight, gradient, 1) : weight);
    }

    private Tensor project(FusedLinear linear, int part, Tensor x, boolean training) {
        Tensor weight = linear.weight(part);
        Tensor bias = linear.bias(part);
        if (training && linear.trainsBase()) {
            weight = leaf(weight, linear.weightGradient(part), 1);
            bias = bias == null ? null : leaf(bias, linear.biasGradient(part), 1);
        }
        Tensor y = x.linear(weight);
        if (bias != null) {
            y = y.add(bias);
        }
        for (LowRank update : updates(linear)) {
            if (update.part() == part) {
                y = y.add(update(update, linear.parts().get(part).path(), x, training));
            }
        }
        return y;
    }

    private List<LowRank> updates(FusedLinear linear) {
        return switch (pass.adapter().kind()) {
            case OFF -> List.of();
            case TRAINED -> linear.trained();
            case FROZEN -> linear.frozen(pass.adapter());
        };
    }

    private Tensor update(LowRank update, String path, Tensor x, boolean training) {
        Tensor a = update.scaledA();
        Tensor b = update.b();
        if (training && update.gradientA() != null) {
            a = leaf(a, update.gradientA(), update.scaling());
            b = leaf(b, update.gradientB(), 1);
        }
        Dropout dropout = pass.dropout();
        boolean drops = dropout.isOn() && pass.adapter().equals(Adapter.TRAINED);
        if (drops) {
            Dropout.Mask mask = dropout.mask(path);
            return x.mul(mask.ones(x)).mul(mask.scale()).linear(a).linear(b);
        }
        return x.linear(a).linear(b);
    }

    private Tensor leaf(Tensor parameter, Tensor gradient, double scale) {
        Tensor leaf = parameter.detach().requireGradient(true);
        leaves.add(new Leaf(leaf, gradient, scale));
        return leaf;
    }
}
