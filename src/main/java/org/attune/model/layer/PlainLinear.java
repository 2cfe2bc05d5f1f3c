package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// One linear layer with an adapter's updates in ordinary operators, which autograd records: the
/// yardstick for [FusedLinear].
public final class PlainLinear {
    private final FusedLinear linear;
    private final int part;
    private final UpdatesByKind updates;
    private final Dropout.Mask mask;
    private final Leaves leaves;

    /// @param part number of the layer
    /// @param dropout of the trained adapter's input
    public PlainLinear(
            FusedLinear linear, int part, Adapter adapter, Dropout dropout, Leaves leaves) {
        this.linear = linear;
        this.part = part;
        this.leaves = leaves;
        updates =
                UpdatesByKind.of(linear.updates(adapter).stream().filter(this::concerns).toList());
        Dropout own = adapter.equals(Adapter.TRAINED) ? dropout : Dropout.NONE;
        mask = own.mask(linear.parts().get(part).path());
    }

    private boolean concerns(LayerUpdate update) {
        return update instanceof LowRank lowRank
                ? lowRank.rowsOf(linear, part).isPresent()
                : update.part() == part;
    }

    /// @param x `(N, in)`
    /// @return `(N, out)`
    public Tensor forward(Tensor x) {
        linear.read(part, x);
        boolean trains = linear.trainsBase();
        Tensor weight =
                leaf(
                        linear.weight(part),
                        trains ? linear.baseGradients().weights()[part] : null,
                        1);
        Tensor bias = linear.bias(part);
        if (bias != null) {
            bias = leaf(bias, trains ? linear.baseGradients().biases()[part] : null, 1);
        }
        for (LayerUpdate.Bias b : updates.biases()) {
            Tensor value = leaves.leaf(b.value(), b.learner());
            bias = b.replaces() || bias == null ? value : bias.add(value);
        }
        Tensor base = x; // of the layer's input
        for (InputScale s : updates.inputs()) {
            base = base.mul(leaf(s.factor(), s.gradient(), 1)).to(x.dtype());
        }
        Tensor y = base.linear(weight);
        for (Magnitude m : updates.magnitudes()) { // as much of the product as it changes
            Tensor change = dropped(x).linear(weight).mul(factor(m).add(-1));
            y = y.add(change).to(x.dtype());
        }
        if (bias != null) {
            y = y.add(bias);
        }
        for (LowRank update : updates.lowRank()) {
            y = y.add(decomposed(update(update, x)));
        }
        for (Delta d : updates.deltas()) {
            y = y.add(x.linear(leaves.leaf(d.matrix(), d.learner())));
        }
        for (OutputScale s : updates.outputs()) {
            y = y.mul(leaf(s.factor(), s.gradient(), 1)).to(x.dtype());
        }
        return y;
    }

    private Tensor decomposed(Tensor update) {
        Tensor y = update;
        for (Magnitude m : updates.magnitudes()) {
            y = y.mul(factor(m)).to(update.dtype());
        }
        return y;
    }

    private Tensor factor(Magnitude m) {
        return leaf(m.magnitude(), m.gradient(), 1).mul(m.inverseNorm());
    }

    private Tensor dropped(Tensor x) {
        return mask.dropsNothing() ? x : x.mul(mask.ones(x)).mul(mask.scale());
    }

    private Tensor update(LowRank update, Tensor x) {
        Tensor a = leaf(update.scaledA(), update.gradientA(), update.scaling());
        Tensor b = leaf(update.b(), update.gradientB(), 1);
        LowRank.Range rows = update.rowsOf(linear, part).orElseThrow();
        Tensor input = update.isConstant() ? x : dropped(x);
        return input.linear(a).linear(b.narrow(0, rows.first(), rows.count()));
    }

    private Tensor leaf(Tensor parameter, Tensor gradient, double scale) {
        return leaves.leaf(parameter, gradient, scale);
    }
}
