package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Kernels;
import org.attune.tensor.OuterProducts;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.ScaledCopies;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.TokenPass;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Linear layers that read the same input (q, k and v; gate and up), as one product.
///
/// The trained adapter stands in extra columns: with `u = x (sA)ᵀ`, `[x | u] [W | B]ᵀ` is one
/// product that adds the update in float32 before rounding, and its backward pass gives the
/// gradients of `x` and `u` in one product too. `B`s stand block-diagonally.
/// A frozen second adapter (a reference) of the same form borrows these columns for a pass, so that
/// equal adapters give equal bits; one of another form is added by its own products.
public final class FusedLinear {
    /// @param path module path as Hugging Face spells it, e.g. `model.layers.0.self_attn.q_proj`
    /// @param firstRow first row of the fused matrix
    /// @param out rows
    /// @param hasBias whether it has a bias
    public record Part(String path, int firstRow, int out, boolean hasBias) {}

    private final TensorScope owner;
    private final List<Part> parts;
    private final int in;
    private final int out;
    private final LinearWeights weights;
    private final Tensor bias; // (out) or null
    private boolean servesTokens; // decoding reads the packed copy
    private LoraDownMatrices reducers; // the `sA` of the adapter in the columns; null without
    private final Attached none = Attached.of(this, List.of());
    private Attached trained = none;
    private AdapterInputs inputs; // of the trained adapter; null without
    private ScaledCopies trainedCopies; // of its matrices into the columns; null before
    private final Map<Adapter, Attached> frozen = new HashMap<>();
    private BaseGradients gradients = BaseGradients.none();

    /// @param packs whether to keep a copy of the matrix in the layout that products like best
    FusedLinear(
            TensorScope owner,
            List<Part> parts,
            int in,
            Device device,
            DType dtype,
            boolean packs) {
        this.owner = owner;
        this.parts = List.copyOf(parts);
        this.in = in;
        out = parts.stream().mapToInt(Part::out).sum();
        weights = new LinearWeights(owner, out, in, device, dtype, packs);
        bias =
                parts.stream().anyMatch(Part::hasBias)
                        ? owner.adopt(Tensor.zeros(device, dtype, out))
                        : null;
    }

    public List<Part> parts() {
        return parts;
    }

    public int in() {
        return in;
    }

    public int out() {
        return out;
    }

    /// Columns that a pass needs behind the input.
    public int extra(Adapter adapter) {
        return switch (adapter.kind()) {
            // Zeros there, to use the packed copy, and to give the bits of an adapter that is zero.
            case OFF -> weights.packs() ? weights.extra() : 0;
            case TRAINED -> weights.extra();
            case FROZEN -> weights.packs() || hasColumnsOf(attached(adapter)) ? weights.extra() : 0;
        };
    }

    private boolean hasColumnsOf(Attached adapter) {
        return columns(adapter.lowRank()).equals(columns(trained.lowRank()));
    }

    private static List<List<Integer>> columns(List<LowRank> updates) {
        return updates.stream().map(u -> List.of(u.part(), u.rank())).toList();
    }

    /// The base weight of one part, a view `(out, in)`.
    public Tensor weight(int part) {
        requirePlain();
        Part p = parts.get(part);
        return weights.base().narrow(0, p.firstRow(), p.out());
    }

    /// The bias of one part, a view `(out)`, or null.
    public Tensor bias(int part) {
        Part p = parts.get(part);
        return p.hasBias() ? bias.narrow(0, p.firstRow(), p.out()) : null;
    }

    private Attached attached(Adapter adapter) {
        return switch (adapter.kind()) {
            case OFF -> none;
            case TRAINED -> trained;
            case FROZEN -> frozen.getOrDefault(adapter, none);
        };
    }

    /// What an adapter does to these layers, nothing if it doesn't touch them.
    List<LayerUpdate> updates(Adapter adapter) {
        return attached(adapter).updates();
    }

    /// Makes room for the trained adapter. `updates` must be in order of their parts. Call
    /// [#refreshTrained] when its matrices have their numbers.
    public void attachTrained(List<? extends LayerUpdate> updates) {
        requirePlain();
        Attached attached = Attached.of(this, updates);
        int columns = attached.lowRank().stream().mapToInt(LowRank::rank).sum();
        boolean others = columns != weights.extra();
        if (others || !hasColumnsOf(attached)) {
            weights.resize(columns);
            weights.unpackFrozen(); // their columns stand where the trained ones did
        }
        trained = attached;
        if (others) {
            servesTokens = false; // the copy is another one now
            if (reducers != null) {
                reducers.close();
            }
            try (var _ = TensorScope.open("attach")) {
                reducers =
                        columns == 0
                                ? null
                                : new LoraDownMatrices(owner, weights.columns(), columns, in);
            }
        }
        List<LowRank> lowRank = trained.lowRank();
        inputs = columns == 0 ? null : new AdapterInputs(in, lowRank, paths(lowRank), reducers);
        findPlaces();
    }

    private List<String> paths(List<LowRank> updates) {
        return updates.stream().map(u -> parts.get(u.part()).path()).toList();
    }

    private void findPlaces() {
        if (trainedCopies != null) {
            trainedCopies.close();
        }
        trainedCopies = intoColumns(trained.lowRank());
    }

    /// Adds a frozen adapter, or replaces it.
    public void attachFrozen(Adapter adapter, List<? extends LayerUpdate> updates) {
        requirePlain();
        frozen.put(adapter, Attached.of(this, updates));
        weights.unpackFrozen();
    }

    /// Copies the trained matrices to where products read them, after they changed.
    public void refreshTrained() {
        copyTrained();
        weights.columnsChanged();
    }

    /// Memory of the weights and of what was copied from them, which may lose its numbers between
    /// [#leaves] and [#arrived] from now on.
    List<MemorySegment> takeMemory() {
        List<MemorySegment> memory = weights.takeMemory();
        findPlaces(); // the columns may have moved
        return memory;
    }

    /// Says that the numbers are about to leave memory.
    void leaves() {
        weights.leave();
    }

    /// Says that the numbers are back.
    void arrived() {
        weights.arrive();
    }

    /// Makes the copy that forward passes read, where there is to be one.
    void pack() {
        if (!trainsBase()) {
            weights.pack();
        }
    }

    /// Makes a copy for the backward pass too, where there is to be one.
    void packBackward() {
        if (!trainsBase() && trained.fitsColumns()) { // scales read the numbers themselves
            weights.packBackward();
        }
    }

    boolean packsBackward() {
        return weights.packsBackward();
    }

    /// Memory whose numbers stay as they are; none where decoding has it in large pages, which
    /// shared memory has not.
    List<MemorySegment> frozenMemory() {
        return trainsBase() || servesTokens ? List.of() : weights.frozenMemory();
    }

    /// Whether decoding can read the copy that forward passes read.
    boolean canServeTokens() {
        return !trainsBase() && PackedMatrix.servesTokens(out, in, weights.extra());
    }

    /// Whether it does.
    boolean servesTokens() {
        return servesTokens;
    }

    /// Numbers of that copy.
    long packedNumbers() {
        return weights.packedNumbers();
    }

    /// Has decoding read it where it is.
    void serveTokens() {
        weights.pack();
        servesTokens = true;
    }

    /// Has all of them read a copy in memory of so many numbers.
    void serveTokens(Tensor memory) {
        try (var _ = TensorScope.open("pack")) {
            weights.packInto(memory);
        }
        servesTokens = true;
        findPlaces(); // the columns may have moved
    }

    /// What decoding reads, if there is that copy and the adapter is one that it can have.
    public Optional<TokenPass.Linear> decoding(Adapter adapter) {
        if (!servesTokens || !attached(adapter).fitsColumns()) {
            return Optional.empty();
        }
        if (adapter.kind() == Adapter.Kind.OFF
                || weights.extra() == 0 && attached(adapter).lowRank().isEmpty()) {
            return Optional.of(new TokenPass.Linear(weights.packed(), bias, null));
        }
        return adapter.kind() == Adapter.Kind.TRAINED
                ? Optional.of(new TokenPass.Linear(weights.packed(), bias, reducers.packed()))
                : Optional.empty();
    }

    /// Keeps nothing but what forward passes read, where the packed copy is enough for them:
    /// nothing can be attached, merged or trained any more.
    void keepForward() {
        requirePlain();
        if (!trainsBase() && frozen.isEmpty()) {
            weights.keepForward();
            findPlaces(); // the columns may have moved
        }
    }

    /// Makes products read the numbers themselves from now on.
    void keepPlain() {
        requirePlain();
        weights.keepPlain();
        servesTokens = false;
    }

    /// Forgets what was made of a frozen adapter's values, after they changed.
    public void frozenChanged() {
        weights.unpackFrozen();
    }

    private void requirePlain() {
        if (weights.isForwardOnly()) {
            throw new IllegalStateException(
                    "of %s only what forward passes read is kept"
                            .formatted(parts.getFirst().path()));
        }
    }

    private void copyTrained() {
        if (!trained.lowRank().isEmpty()) {
            trainedCopies.run();
            reducers.changed();
        }
    }

    private void copyToColumns(List<LowRank> updates) {
        try (var copies = intoColumns(updates)) {
            copies.run();
        }
        reducers.changed();
    }

    /// Copies of an adapter's matrices to where products read them.
    private ScaledCopies intoColumns(List<LowRank> updates) {
        var copies = new ScaledCopies(owner);
        try (var _ = TensorScope.open("places")) {
            int column = 0;
            for (LowRank update : updates) {
                Part p = parts.get(update.part());
                Tensor rows = weights.columns().narrow(0, p.firstRow(), p.out());
                copies.add(update.b(), 1, rows.narrow(1, column, update.rank()));
                copies.add(update.scaledA(), 1, reducers.place(column, update));
                column += update.rank();
            }
        }
        return copies;
    }

    /// `y = x Wᵀ + b` with the adapter's update.
    ///
    /// @param hx `(N, in + extra)`; its first `in` columns hold `x`, the others are filled here
    /// @param dropout of the trained adapter's input
    /// @return `(N, out)`
    public Tensor forward(Tensor hx, Adapter adapter, Dropout dropout) {
        return forward(hx, adapter, dropout, null);
    }

    /// As [#forward(Tensor, Adapter, Dropout)], plus a residual. Packed matrices add it in float32,
    /// before rounding.
    ///
    /// @param residual `(N, out)`, or null: none
    public Tensor forward(Tensor hx, Adapter adapter, Dropout dropout, Tensor residual) {
        Attached own = attached(adapter);
        return own.fitsColumns()
                ? addBias(product(hx, adapter, dropout, residual))
                : own.around().forward(hx, adapter, dropout, residual);
    }

    /// Whether [#forwardInto] can do it.
    public boolean canWrite(Adapter adapter) {
        Attached own = attached(adapter);
        return weights.matrix().isPresent()
                && own.fitsColumns()
                && (adapter.kind() == Adapter.Kind.TRAINED || own.lowRank().isEmpty());
    }

    /// The same without dropout on a GPU, where [#canWrite]: into memory that is there already.
    ///
    /// @param y written, `(N, out)`
    public void forwardInto(Tensor hx, Adapter adapter, Tensor y) {
        boolean updates = adapter.kind() == Adapter.Kind.TRAINED;
        if (updates) {
            fillTrained(hx, Dropout.NONE);
        }
        Kernels.mm(hx, (updates ? weights.matrix().orElseThrow() : weights.base()).t(), y);
        if (bias != null) {
            DeviceKernels.addBias(y, bias);
        }
    }

    /// `x Wᵀ` with low-rank updates.
    Tensor product(Tensor hx, Adapter adapter, Dropout dropout) {
        return product(hx, adapter, dropout, null);
    }

    private Tensor product(Tensor hx, Adapter adapter, Dropout dropout, Tensor residual) {
        return switch (adapter.kind()) {
            case OFF -> withoutUpdate(hx, residual);
            case TRAINED -> {
                fillTrained(hx, dropout);
                yield weights.product(hx, residual);
            }
            case FROZEN -> withFrozen(hx, adapter, residual);
        };
    }

    /// The same of the trained adapter, whose columns are filled.
    Tensor filledProduct(Tensor hx) {
        return weights.product(hx, null);
    }

    /// The columns that hold `x`, `(N, in)`.
    Tensor input(Tensor hx) {
        return hx.size(1) == in ? hx : hx.narrow(1, 0, in);
    }

    /// Adds the biases in place.
    Tensor addBias(Tensor y) {
        return bias == null ? y : y.addInPlace(bias);
    }

    /// Fills the extra columns as [#forward] does, without the product.
    ///
    /// @param hx as there
    public void reduce(Tensor hx, Adapter adapter, Dropout dropout) {
        switch (adapter.kind()) {
            case OFF -> {
                if (extra(adapter) > 0) {
                    hx.narrow(1, in, extra(adapter)).zeroInPlace();
                }
            }
            case TRAINED -> fillTrained(hx, dropout);
            case FROZEN -> throw new IllegalStateException("a frozen adapter has no backward pass");
        }
    }

    private Tensor withoutUpdate(Tensor hx, Tensor residual) {
        if (weights.extra() > 0 && !weights.packs()) {
            return LinearWeights.plus(hx.mm(weights.base().t()), residual);
        }
        reduce(hx, Adapter.OFF, Dropout.NONE);
        return weights.product(hx, residual);
    }

    private void fillTrained(Tensor hx, Dropout dropout) {
        if (inputs != null) {
            inputs.fill(hx, dropout);
        }
    }

    private Tensor withFrozen(Tensor hx, Adapter adapter, Tensor residual) {
        List<LowRank> updates = attached(adapter).lowRank();
        if (weights.extra() > 0 && hasColumnsOf(attached(adapter))) {
            try {
                copyToColumns(updates);
                reducers.reduce(hx);
                return weights.product(adapter, hx, residual);
            } finally {
                copyTrained();
                weights.columnsAreTrained();
            }
        }
        Tensor y = withoutUpdate(hx, null);
        Tensor x = input(hx);
        for (LowRank update : updates) {
            Part p = parts.get(update.part());
            Kernels.addmm(
                    y.narrow(1, p.firstRow(), p.out()),
                    x.mm(update.scaledA().t()),
                    update.b().t(),
                    1,
                    1);
        }
        return LinearWeights.plus(y, residual);
    }

    /// The gradient of `x`, `(N, in)`; adds to the gradients of parameters.
    ///
    /// @param dy `(N, out)`
    /// @param hx what [#forward] was given and filled
    /// @param dropout what [#forward] was given
    public Tensor backward(Tensor dy, Tensor hx, Dropout dropout) {
        return trained.fitsColumns()
                ? back(dy, hx, dropout)
                : trained.around().backward(dy, hx, dropout);
    }

    /// Back through the products with low-rank updates.
    Tensor back(Tensor dy, Tensor hx, Dropout dropout) {
        Tensor x = weights.extra() == 0 ? hx : hx.narrow(1, 0, in);
        gradients.add(dy, x);
        requirePlain();
        if (inputs == null) {
            return weights.backward(dy).dx();
        }
        List<OuterProducts.Product> products = new ArrayList<>();
        Tensor dx = inputs.backward(weights, dy, x, dropout, products); // (N, in)
        int column = in;
        for (LowRank update : trained.lowRank()) {
            Part p = parts.get(update.part());
            Tensor u = hx.narrow(1, column, update.rank()); // (N, r)
            update.productB(dy.narrow(1, p.firstRow(), p.out()), u).ifPresent(products::add);
            column += update.rank();
        }
        OuterProducts.add(products);
        return dx;
    }

    /// Makes backward passes add to the gradients of the base parameters (float32 views).
    ///
    /// @param weights one per part
    /// @param biases one per part, null where a part has none
    public void trainBase(Tensor[] weights, Tensor[] biases) {
        keepPlain();
        gradients = new BaseGradients(parts, List.of(weights), biases.clone());
    }

    public boolean trainsBase() {
        return !gradients.isEmpty();
    }

    BaseGradients baseGradients() {
        return gradients;
    }
}
