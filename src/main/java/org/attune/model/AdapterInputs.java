package org.attune.model;

import org.attune.tensor.Kernels;
import org.attune.tensor.OuterProducts;
import org.attune.tensor.Tensor;
import org.attune.tensor.vector.DropoutPart;

import java.util.ArrayList;
import java.util.List;

/// What the trained updates of linear layers that read the same input do with it,
/// `u = s · dropout(x) Aᵀ`, and the way back. Each layer's input has dropout of its own. `N` rows,
/// `D` columns of the input, `R` of all updates' ranks together.
final class AdapterInputs {
    private final int in;
    private final List<LowRank> updates;
    private final List<String> paths;
    private final Reducers reducers;

    /// @param in `D`
    /// @param updates in order of their columns
    /// @param paths of their modules
    /// @param reducers their `sA`
    AdapterInputs(int in, List<LowRank> updates, List<String> paths, Reducers reducers) {
        this.in = in;
        this.updates = List.copyOf(updates);
        this.paths = List.copyOf(paths);
        this.reducers = reducers;
    }

    /// Writes `u` into the columns behind the input.
    ///
    /// @param hx `(N, D + R)`
    void fill(Tensor hx, Dropout dropout) {
        if (!dropout.isOn()) { // all of them at once
            reducers.reduce(hx);
        } else if (reducers.servesDropout(updates)) {
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
        return dropout.mask(paths.get(update));
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

    /// The layers' gradients with the updates' part, if their product can have it.
    ///
    /// @param dy `(N, out)`
    LinearWeights.Gradient gradient(LinearWeights weights, Tensor dy, Dropout dropout) {
        if (!isJoined(weights, dropout)) {
            return weights.backward(dy);
        }
        List<DropoutPart> kept = dropout.isOn() ? kept(dropout) : List.of();
        return weights.backward(dy, reducers.transposed(), kept, dropout.scale());
    }

    private boolean isJoined(LinearWeights weights, Dropout dropout) {
        return weights.packsBackward() && (!dropout.isOn() || reducers.servesDropout(updates));
    }

    /// Goes back through [#fill]: adds to `dx` what [#gradient] didn't.
    ///
    /// @param gradient of [#gradient]
    /// @param x `(N, D)`
    /// @return what is to be added to the gradients of `A`
    List<OuterProducts.Product> backward(
            LinearWeights weights, LinearWeights.Gradient gradient, Tensor x, Dropout dropout) {
        boolean joined = isJoined(weights, dropout);
        if (!dropout.isOn()) {
            if (!joined) {
                Kernels.addmm(gradient.dx(), gradient.dus(), reducers.matrix(), 1, 1);
            }
            return List.of(new OuterProducts.Product(gradient.dus(), x, targets()));
        }
        List<OuterProducts.Product> products = new ArrayList<>();
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
        return products;
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
