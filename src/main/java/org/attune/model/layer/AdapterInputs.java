package org.attune.model.layer;

import org.attune.tensor.Kernels;
import org.attune.tensor.OuterProducts;
import org.attune.tensor.Tensor;
import org.attune.tensor.vector.DropoutPart;

import java.util.ArrayList;
import java.util.List;

/// What the trained updates of linear layers that read the same input do with it,
/// `u = s · dropout(x) Aᵀ`, and the way back. Each layer's input has its own dropout. `N` rows,
/// `D` columns of the input, `R` of all updates' ranks together.
final class AdapterInputs {
    private final int in;
    private final List<LowRank> updates;
    private final List<String> paths;
    private final LoraDownMatrices reducers;
    private final boolean servesDropout;

    /// @param in `D`
    /// @param updates in order of their columns
    /// @param paths of their modules
    /// @param reducers their `sA`
    AdapterInputs(int in, List<LowRank> updates, List<String> paths, LoraDownMatrices reducers) {
        this.in = in;
        this.updates = List.copyOf(updates);
        this.paths = List.copyOf(paths);
        this.reducers = reducers;
        servesDropout =
                reducers.servesDropout(updates) && updates.stream().noneMatch(LowRank::isConstant);
    }

    /// Writes `u` into the columns behind the input.
    ///
    /// @param hx `(N, D + R)`
    void fill(Tensor hx, Dropout dropout) {
        if (!dropout.isOn()) { // all of them at once
            reducers.reduce(hx);
        } else if (servesDropout) {
            reducers.reduce(hx, kept(dropout), dropout.scale());
        } else {
            Tensor x = hx.narrow(1, 0, in);
            int column = in;
            for (int i = 0; i < updates.size(); i++) {
                LowRank update = updates.get(i);
                Tensor u = hx.narrow(1, column, update.rank()); // (N, r)
                update.reduce(x, mask(i, dropout), u);
                column += update.rank();
            }
        }
    }

    private Dropout.Mask mask(int update, Dropout dropout) {
        return updates.get(update).isConstant()
                ? Dropout.Mask.NONE
                : dropout.mask(paths.get(update));
    }

    private List<DropoutPart> kept(Dropout dropout) {
        List<DropoutPart> kept = new ArrayList<>();
        int column = 0;
        for (int i = 0; i < updates.size(); i++) {
            int rank = updates.get(i).rank();
            kept.add(new DropoutPart(mask(i, dropout).kept(), column, rank));
            column += rank;
        }
        return kept;
    }

    /// The gradient of the input, `(N, D)`, by the layers and by the updates.
    ///
    /// @param dy `(N, out)`
    /// @param x `(N, D)`
    /// @param products gets what is to be added to the gradients of `A`
    Tensor backward(
            LinearWeights weights,
            Tensor dy,
            Tensor x,
            Dropout dropout,
            List<OuterProducts.Product> products) {
        boolean joined = weights.packsBackward() && (!dropout.isOn() || servesDropout);
        LinearWeights.Gradient gradient =
                joined ? joined(weights, dy, dropout) : weights.backward(dy);
        if (dropout.isOn()) {
            backThroughDropout(gradient, x, dropout, joined, products);
        } else {
            if (!joined) {
                Kernels.addmm(gradient.dx(), gradient.dus(), reducers.matrix(), 1, 1);
            }
            products.add(new OuterProducts.Product(gradient.dus(), x, targets()));
        }
        return gradient.dx();
    }

    private LinearWeights.Gradient joined(LinearWeights weights, Tensor dy, Dropout dropout) {
        List<DropoutPart> kept = dropout.isOn() ? kept(dropout) : List.of();
        return weights.backward(dy, reducers.transposed(), kept, dropout.scale());
    }

    /// @param joined whether the updates' part is in the input's gradient already
    private void backThroughDropout(
            LinearWeights.Gradient gradient,
            Tensor x,
            Dropout dropout,
            boolean joined,
            List<OuterProducts.Product> products) {
        int column = 0;
        for (int i = 0; i < updates.size(); i++) {
            LowRank update = updates.get(i);
            Tensor du = gradient.dus().narrow(1, column, update.rank()); // (N, r)
            if (joined) {
                update.productA(du, x, mask(i, dropout)).ifPresent(products::add);
            } else {
                update.reduceBackward(du.contiguous(), x, mask(i, dropout), gradient.dx());
            }
            column += update.rank();
        }
    }

    private List<OuterProducts.Target> targets() {
        List<OuterProducts.Target> targets = new ArrayList<>();
        int row = 0;
        for (LowRank update : updates) {
            update.targetA(row).ifPresent(targets::add);
            row += update.rank();
        }
        return targets;
    }
}
