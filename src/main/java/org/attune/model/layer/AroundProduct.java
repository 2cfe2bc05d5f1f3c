package org.attune.model.layer;

import org.attune.tensor.Tensor;

import java.util.List;

/// What one adapter does to linear layers that read the same input, beside its columns: ordinary
/// operators around the layers' products. `N` rows.
final class AroundProduct {
    private final FusedLinear layer;
    private final UpdatesByKind updates;
    private final List<InputScale> inputs;
    private final List<OutputScale> outputs;
    private final List<Magnitude> magnitudes;

    AroundProduct(FusedLinear layer, UpdatesByKind updates) {
        this.layer = layer;
        this.updates = updates;
        inputs = updates.inputs();
        outputs = updates.outputs();
        magnitudes = updates.magnitudes();
    }

    boolean isEmpty() {
        return updates.fitColumns();
    }

    /// Computes what [FusedLinear#forward(Tensor, Adapter, Dropout, Tensor)] does, around the
    /// product.
    Tensor forward(Tensor hx, Adapter adapter, Dropout dropout, Tensor residual) {
        Tensor y = inputs.isEmpty() ? layer.product(hx, adapter, dropout) : scaled(hx, adapter);
        updates.deltas().forEach(d -> d.apply(layer.input(hx), rows(y, d)));
        for (Magnitude m : magnitudes) {
            Tensor own = rows(y, m);
            m.applyInPlace(own);
            Dropout.Mask mask = mask(m, dropout);
            if (!mask.dropsNothing()) {
                own.addInPlace(dropped(m, layer.input(hx), mask).mulInPlace(m.change()));
            }
        }
        layer.addBias(y, adapter);
        outputs.forEach(o -> o.applyInPlace(rows(y, o)));
        return LinearWeights.plus(y, residual);
    }

    /// Turns products of some rows into what they give, in place.
    ///
    /// @param hx of the rows, `(n, in + …)`, as of an adapter that is off
    /// @param y products with low-rank updates, `(n, out)`
    void onRows(Tensor hx, Adapter adapter, Tensor y) {
        for (InputScale s : inputs) {
            rows(y, s).copyInPlace(rows(layer.withoutUpdate(s.of(hx), null), s));
        }
        updates.deltas().forEach(d -> d.apply(layer.input(hx), rows(y, d)));
        magnitudes.forEach(m -> m.applyInPlace(rows(y, m)));
        layer.addBias(y, adapter);
        outputs.forEach(o -> o.applyInPlace(rows(y, o)));
    }

    /// Products of which some read separate inputs.
    private Tensor scaled(Tensor hx, Adapter adapter) {
        Tensor y = null; // (N, out)
        if (inputs.size() < layer.parts().size()) {
            y = layer.product(hx, adapter, Dropout.NONE);
        }
        for (InputScale s : inputs) {
            Tensor own = layer.product(s.of(hx), adapter, Dropout.NONE);
            if (y == null) {
                y = own;
            } else {
                rows(y, s).copyInPlace(rows(own, s));
            }
        }
        return y;
    }

    private Tensor rows(Tensor y, LayerUpdate update) {
        FusedLinear.Part p = layer.parts().get(update.part());
        return y.narrow(1, p.firstRow(), p.out());
    }

    private Dropout.Mask mask(Magnitude m, Dropout dropout) {
        return dropout.mask(layer.parts().get(m.part()).path());
    }

    /// What dropout adds to the product with the base weight, `W (x' − x)`, `(N, out)` of the part.
    private Tensor dropped(Magnitude m, Tensor x, Dropout.Mask mask) {
        Tensor change = mask.of(x).mulInPlace(mask.scale()).subInPlace(x); // (N, in)
        return change.mm(layer.weight(m.part()).t());
    }

    /// Computes what [FusedLinear#backward(Tensor, Tensor, Dropout)] does, of the trained adapter.
    Tensor backward(Tensor dy, Tensor hx, Dropout dropout) {
        Tensor x = layer.input(hx);
        if (inputs.isEmpty() && outputs.isEmpty() && magnitudes.isEmpty()) {
            return withDeltas(layer.back(dy, hx, dropout), dy, x);
        }
        Tensor dz = dy.copy(); // (N, out)
        if (!outputs.isEmpty() || !magnitudes.isEmpty()) {
            Tensor z = layer.filledProduct(hx); // (N, out)
            for (Magnitude m : magnitudes) {
                learn(m, rows(dy, m), rows(z, m), x, mask(m, dropout));
                m.applyInPlace(rows(dz, m));
            }
            layer.addBias(z, Adapter.TRAINED);
            outputs.forEach(o -> o.backward(rows(dz, o), rows(z, o)));
            z.close();
        }
        Tensor dx = inputs.isEmpty() ? layer.back(dz, hx, dropout) : backToInputs(dz, hx);
        withDeltas(dx, dz, x);
        for (Magnitude m : magnitudes) {
            Dropout.Mask mask = mask(m, dropout);
            if (!mask.dropsNothing()) {
                Tensor d = rows(dy, m).mul(m.change()).to(dy.dtype()); // (N, out) of the part
                Tensor t = d.mm(layer.weight(m.part())); // (N, in)
                dx.subInPlace(t);
                dx.addInPlace(mask.inPlace(t).mulInPlace(mask.scale()));
            }
        }
        return dx;
    }

    private Tensor withDeltas(Tensor dx, Tensor dz, Tensor x) {
        updates.deltas().forEach(d -> d.backward(rows(dz, d), x, dx));
        return dx;
    }

    private void learn(Magnitude m, Tensor dy, Tensor z, Tensor x, Dropout.Mask mask) {
        m.learn(dy, mask.dropsNothing() ? z : z.add(dropped(m, x, mask)));
    }

    /// @param dz gradient of the products, `(N, out)`; changed
    private Tensor backToInputs(Tensor dz, Tensor hx) {
        Tensor x = layer.input(hx);
        if (layer.parts().size() == 1) {
            return inputs.getFirst().backward(layer.back(dz, hx, Dropout.NONE), x);
        }
        Tensor dx = null; // (N, in)
        for (InputScale s : inputs) {
            Tensor alone = Tensor.zeros(dz.device(), dz.dtype(), dz.shape());
            rows(alone, s).copyInPlace(rows(dz, s));
            rows(dz, s).zeroInPlace();
            Tensor d = s.backward(layer.back(alone, hx, Dropout.NONE), x);
            dx = dx == null ? d : dx.addInPlace(d);
        }
        return inputs.size() == layer.parts().size()
                ? dx
                : dx.addInPlace(layer.back(dz, hx, Dropout.NONE));
    }
}
