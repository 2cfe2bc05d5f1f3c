package org.attune.model.layer;

import org.attune.tensor.Kernels;
import org.attune.tensor.OuterProducts;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.ScaledCopies;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.TokenPass;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The adapters of linear layers that read the same input, and their low-rank updates in columns
/// beside the weights. With `u = x (sA)ᵀ`, `[x | u] [W | B]ᵀ` is one product that adds an update in
/// float32 before rounding. `B`s stand block-diagonally.
///
/// The columns are the trained adapter's. A frozen one (a reference) of the same form borrows them
/// for a pass, so that equal adapters give equal bits; another form is added by separate products.
final class AttachedUpdates {
    private final TensorScope owner;
    private final FusedLinear layer;
    private final LinearWeights weights;
    private final int in;
    private final Attached none;
    private final Map<Adapter, Attached> frozen = new HashMap<>();
    private Attached trained;
    private Optional<LoraDownMatrices> reducers = Optional.empty(); // the `sA` in the columns
    private Optional<AdapterInputs> inputs = Optional.empty(); // of the trained adapter
    private Optional<ScaledCopies> trainedCopies = Optional.empty(); // into the columns

    /// @param owner of what is made
    AttachedUpdates(TensorScope owner, FusedLinear layer, LinearWeights weights) {
        this.owner = owner;
        this.layer = layer;
        this.weights = weights;
        in = layer.in();
        none = Attached.of(owner, layer, List.of());
        trained = none;
    }

    /// What an adapter does to the layers.
    Attached of(Adapter adapter) {
        return switch (adapter.kind()) {
            case OFF -> none;
            case TRAINED -> trained;
            case FROZEN -> frozen.getOrDefault(adapter, none);
        };
    }

    boolean hasFrozen() {
        return !frozen.isEmpty();
    }

    /// Columns that a pass needs behind the input.
    int extra(Adapter adapter) {
        return switch (adapter.kind()) {
            // Zeros there, to use the packed copy, and to give the bits of an adapter that is zero.
            case OFF -> weights.packs() ? weights.extra() : 0;
            case TRAINED -> weights.extra();
            case FROZEN -> weights.packs() || fitsColumns(of(adapter)) ? weights.extra() : 0;
        };
    }

    private boolean fitsColumns(Attached adapter) {
        return columns(adapter.lowRank()).equals(columns(trained.lowRank()));
    }

    private static List<List<Integer>> columns(List<LowRank> updates) {
        return updates.stream().map(u -> List.of(u.part(), u.rank())).toList();
    }

    /// Makes room for the trained adapter.
    ///
    /// @param updates in order of their parts
    /// @return whether the columns are as many as before
    boolean attachTrained(List<? extends LayerUpdate> updates) {
        Attached attached = Attached.of(owner, layer, updates);
        List<LowRank> lowRank = attached.lowRank();
        int columns = lowRank.stream().mapToInt(LowRank::rank).sum();
        boolean asMany = columns == weights.extra();
        if (!asMany || !fitsColumns(attached)) {
            weights.resize(columns);
            weights.unpackFrozen(); // their columns stand where the trained ones did
        }
        trained.close();
        trained = attached;
        if (!asMany) {
            reducers.ifPresent(LoraDownMatrices::close);
            try (var _ = TensorScope.open("attach")) {
                reducers =
                        columns == 0
                                ? Optional.empty()
                                : Optional.of(
                                        new LoraDownMatrices(
                                                owner, weights.columns(), columns, in));
            }
        }
        inputs = reducers.map(r -> new AdapterInputs(in, lowRank, paths(lowRank), r));
        columnsMoved();
        return asMany;
    }

    private List<String> paths(List<LowRank> updates) {
        return updates.stream().map(u -> layer.parts().get(u.part()).path()).toList();
    }

    /// Adds a frozen adapter, or replaces it.
    void attachFrozen(Adapter adapter, List<? extends LayerUpdate> updates) {
        Attached before = frozen.put(adapter, Attached.of(owner, layer, updates));
        if (before != null) {
            before.close();
        }
        weights.unpackFrozen();
    }

    /// Brings what was made of a frozen adapter's values up to date.
    void frozenChanged(Adapter adapter) {
        Attached own = of(adapter);
        own.biases().ifPresent(AdapterBiases::refresh);
        own.packed().close();
        weights.unpackFrozen();
    }

    /// Takes a frozen adapter away.
    void detachFrozen(Adapter adapter) {
        Attached before = frozen.remove(adapter);
        if (before != null) {
            before.close();
        }
        weights.unpackFrozen();
    }

    /// What decoding does with rows of an adapter beside others'; empty where it changes nothing.
    Optional<TokenPass.Update> update(AdapterRows.Run run) {
        Attached own = of(run.adapter());
        return own.lowRank().isEmpty() ? Optional.empty() : Optional.of(own.packed().on(run));
    }

    /// Finds the columns where they are now.
    void columnsMoved() {
        trainedCopies.ifPresent(ScaledCopies::close);
        trainedCopies =
                trained.lowRank().isEmpty()
                        ? Optional.empty()
                        : Optional.of(intoColumns(trained.lowRank()));
    }

    /// Copies the trained matrices to where products read them.
    void copyTrained() {
        trained.biases().ifPresent(AdapterBiases::refresh);
        trainedCopies.ifPresent(
                copies -> {
                    copies.run();
                    reducers.orElseThrow().changed();
                });
    }

    /// Copies of an adapter's matrices to where products read them.
    private ScaledCopies intoColumns(List<LowRank> updates) {
        var copies = new ScaledCopies(owner);
        try (var _ = TensorScope.open("places")) {
            int column = 0;
            for (LowRank update : updates) {
                FusedLinear.Part p = layer.parts().get(update.part());
                Tensor rows = weights.columns().narrow(0, p.firstRow(), update.b().size(0));
                copies.add(update.b(), 1, rows.narrow(1, column, update.rank()));
                copies.add(update.scaledA(), 1, reducers.orElseThrow().place(column, update));
                column += update.rank();
            }
        }
        return copies;
    }

    /// A copy of the trained adapter's first matrices for decoding.
    PackedMatrix packed() {
        return reducers.orElseThrow().packed();
    }

    /// Fills the columns behind the input with the trained adapter's `u`.
    ///
    /// @param hx `(N, in + extra)`
    void fill(Tensor hx, Dropout dropout) {
        inputs.ifPresent(i -> i.fill(hx, dropout));
    }

    /// The product with a frozen adapter's update, in the columns.
    ///
    /// @return empty if it doesn't fit there
    Optional<Tensor> inColumns(Tensor hx, Adapter adapter, Tensor residual) {
        Attached own = of(adapter);
        if (weights.extra() == 0 || !fitsColumns(own)) {
            return Optional.empty();
        }
        try (var copies = intoColumns(own.lowRank())) {
            copies.run();
            reducers.orElseThrow().changed();
            reducers.orElseThrow().reduce(hx);
            return Optional.of(weights.product(adapter, hx, residual));
        } finally {
            copyTrained();
            weights.columnsAreTrained();
        }
    }

    /// Adds an adapter's low-rank updates to its rows.
    ///
    /// @param x `(N, in)` of all rows
    /// @param y `(N, out)` likewise
    void addTo(Tensor x, AdapterRows.Run run, Tensor y) {
        if (!of(run.adapter()).lowRank().isEmpty()) {
            addTo(
                    x.narrow(0, run.first(), run.count()),
                    run.adapter(),
                    y.narrow(0, run.first(), run.count()));
        }
    }

    /// Adds an adapter's low-rank updates, each by two products.
    ///
    /// @param x `(N, in)`
    /// @param y `(N, out)`
    void addTo(Tensor x, Adapter adapter, Tensor y) {
        for (LowRank update : of(adapter).lowRank()) {
            Kernels.addmm(update.rows(y, layer), x.mm(update.scaledA().t()), update.b().t(), 1, 1);
        }
    }

    /// Back through weights and columns; adds to the gradients of the trained adapter.
    ///
    /// @param dy `(N, out)`
    /// @param x `(N, in)`
    /// @param hx `x` and the filled columns
    /// @return gradient of `x`
    Tensor backward(Tensor dy, Tensor x, Tensor hx, Dropout dropout) {
        if (inputs.isEmpty()) {
            return weights.backward(dy).dx();
        }
        List<OuterProducts.Product> products = new ArrayList<>();
        Tensor dx = inputs.get().backward(weights, dy, x, dropout, products); // (N, in)
        int column = in;
        for (LowRank update : trained.lowRank()) {
            Tensor u = hx.narrow(1, column, update.rank()); // (N, r)
            update.productB(update.rows(dy, layer), u).ifPresent(products::add);
            column += update.rank();
        }
        OuterProducts.add(products);
        return dx;
    }
}
