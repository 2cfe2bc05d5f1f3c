package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/// Linear layers that read the same input (q, k and v; gate and up), as one product: their weights
/// in [LinearWeights], their adapters in [AttachedUpdates], what decoding reads in [DecodingCopy].
public final class FusedLinear {
    /// @param path module path as Hugging Face spells it, e.g. `model.layers.0.self_attn.q_proj`
    /// @param firstRow first row of the fused matrix
    /// @param out rows
    /// @param hasBias whether it has a bias
    public record Part(String path, int firstRow, int out, boolean hasBias) {}

    private final List<Part> parts;
    private final int in;
    private final int out;
    private final LinearWeights weights;
    private final Tensor bias; // (out) or null
    private final AttachedUpdates updates;
    private final DecodingCopy decodingCopy;
    private BaseGradients gradients = BaseGradients.none();
    private Consumer<Tensor> observer = _ -> {};

    /// @param packs whether to keep a copy of the matrix in the layout that products like best
    FusedLinear(
            TensorScope owner,
            List<Part> parts,
            int in,
            Device device,
            DType dtype,
            boolean packs) {
        this(
                owner,
                parts,
                in,
                device,
                dtype,
                new LinearWeights(
                        owner, parts.stream().mapToInt(Part::out).sum(), in, device, dtype, packs));
    }

    /// @param weights of all parts
    FusedLinear(
            TensorScope owner,
            List<Part> parts,
            int in,
            Device device,
            DType dtype,
            LinearWeights weights) {
        this.parts = List.copyOf(parts);
        this.in = in;
        out = parts.stream().mapToInt(Part::out).sum();
        this.weights = weights;
        bias =
                parts.stream().anyMatch(Part::hasBias)
                        ? owner.adopt(Tensor.zeros(device, dtype, out))
                        : null;
        updates = new AttachedUpdates(owner, this, weights);
        decodingCopy = new DecodingCopy(this, weights, updates);
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
        return updates.extra(adapter);
    }

    /// What decoding reads.
    public DecodingCopy decodingCopy() {
        return decodingCopy;
    }

    /// The base weight of one part, `(out, in)`: a view, or a copy in the current scope of weights
    /// in few bits.
    public Tensor weight(int part) {
        requirePlain();
        Part p = parts.get(part);
        return weights.base(p.firstRow(), p.out());
    }

    /// The base weight of one part as it was before it was brought to few bits, `(out, in)` in its
    /// file's dtype and the current scope; empty if it wasn't. Reads the model's files again, which
    /// must be open.
    public Optional<Tensor> original(int part) {
        return weights.original(part);
    }

    /// Bytes of weights in few bits; empty where they are dense.
    public OptionalLong codedBytes() {
        return weights.codedBytes();
    }

    /// The bias of one part, a view `(out)`, or null.
    public Tensor bias(int part) {
        Part p = parts.get(part);
        return p.hasBias() ? bias.narrow(0, p.firstRow(), p.out()) : null;
    }

    /// What an adapter does to these layers, nothing if it doesn't touch them.
    List<LayerUpdate> updates(Adapter adapter) {
        return updates.of(adapter).updates();
    }

    /// Makes room for the trained adapter. `own` must be in order of their parts. Call
    /// [#refreshTrained] when its matrices have their numbers.
    public void attachTrained(List<? extends LayerUpdate> own) {
        requirePlain();
        if (!updates.attachTrained(own)) {
            decodingCopy.stop();
        }
    }

    /// Adds a frozen adapter, or replaces it.
    public void attachFrozen(Adapter adapter, List<? extends LayerUpdate> own) {
        requirePlain();
        updates.attachFrozen(adapter, own);
    }

    /// Copies the trained matrices to where products read them, after they changed.
    public void refreshTrained() {
        updates.copyTrained();
        weights.columnsChanged();
    }

    /// Memory of the weights and of what was copied from them, which may lose its numbers between
    /// [#leaves] and [#arrived] from now on.
    List<MemorySegment> takeMemory() {
        List<MemorySegment> memory = weights.takeMemory();
        updates.columnsMoved();
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
        // What is computed around the product reads the numbers themselves.
        if (!trainsBase() && updates.of(Adapter.TRAINED).fitsColumns()) {
            weights.packBackward();
        }
    }

    boolean packsBackward() {
        return weights.packsBackward();
    }

    /// Memory whose numbers stay as they are; none where decoding has it in large pages, which
    /// shared memory has not.
    List<MemorySegment> frozenMemory() {
        return trainsBase() || decodingCopy.serves() ? List.of() : weights.frozenMemory();
    }

    /// Keeps nothing but what forward passes read, where the packed copy is enough for them:
    /// nothing can be attached, merged or trained any more.
    void keepForward() {
        requirePlain();
        if (!trainsBase() && !updates.hasFrozen()) {
            weights.keepForward();
            updates.columnsMoved();
        }
    }

    /// Makes products read the numbers themselves from now on.
    void keepPlain() {
        requirePlain();
        weights.keepPlain();
        decodingCopy.stop();
    }

    /// Forgets what was made of a frozen adapter's values, after they changed.
    public void frozenChanged(Adapter adapter) {
        updates.frozenChanged(adapter);
    }

    /// Makes what decoding reads of a frozen adapter, which is made at its first token otherwise.
    public void prepareFrozen(Adapter adapter) {
        decodingCopy.prepare(adapter);
    }

    /// Takes a frozen adapter away.
    public void detachFrozen(Adapter adapter) {
        updates.detachFrozen(adapter);
    }

    /// Whether rows of an adapter can stand beside others' ([AdapterRows]): it is off or frozen.
    /// Where decoding is one kernel, an adapter whose updates it can't have would keep the others
    /// from it too.
    boolean joins(Adapter adapter) {
        return adapter.kind() != Adapter.Kind.TRAINED
                && (!decodingCopy.serves() || updates.of(adapter).fitsKernel());
    }

    private void requirePlain() {
        if (weights.isForwardOnly()) {
            throw new IllegalStateException(
                    "of %s only what forward passes read is kept"
                            .formatted(parts.getFirst().path()));
        }
    }

    /// `y = x Wᵀ + b` with the adapter's update.
    ///
    /// @param hx `(N, in + extra)`; its first `in` columns hold `x`, the others are filled here
    /// @param dropout of the trained adapter's input
    /// @return `(N, out)`
    public Tensor forward(Tensor hx, Adapter adapter, Dropout dropout) {
        return forward(hx, adapter, dropout, null);
    }

    /// `y = x Wᵀ + b` with the adapter's update, plus a residual. Packed matrices add it in
    /// float32, before rounding.
    ///
    /// @param residual `(N, out)`, or null: none
    public Tensor forward(Tensor hx, Adapter adapter, Dropout dropout, Tensor residual) {
        Attached own = updates.of(adapter);
        observer.accept(input(hx));
        return own.fitsColumns()
                ? addBias(product(hx, adapter, dropout, residual), adapter)
                : own.around().forward(hx, adapter, dropout, residual);
    }

    /// `y = x Wᵀ + b` of rows of several adapters, plus a residual.
    ///
    /// @param hx `(N, in + extra)`, of [AdapterRows#elsewhere]
    /// @param residual `(N, out)`, or null: none
    public Tensor forward(Tensor hx, AdapterRows rows, Tensor residual) {
        if (rows.isOne()) {
            return forward(hx, rows.elsewhere(), Dropout.NONE, residual);
        }
        Tensor x = input(hx);
        observer.accept(x);
        Tensor y = withoutUpdate(hx, null);
        rows.runs().forEach(run -> updates.addTo(x, run, y));
        if (rows.runs().stream().allMatch(run -> updates.of(run.adapter()).isLowRank())) {
            addBias(y, Adapter.OFF);
        } else {
            rows.runs().forEach(run -> finish(hx, run, y));
        }
        return LinearWeights.plus(y, residual);
    }

    /// Turns the products of one adapter's rows, low-rank updates included, into what it gives.
    private void finish(Tensor hx, AdapterRows.Run run, Tensor y) {
        updates.of(run.adapter())
                .around()
                .onRows(
                        hx.narrow(0, run.first(), run.count()),
                        run.adapter(),
                        y.narrow(0, run.first(), run.count()));
    }

    /// Shows what the layer reads in forward passes: `(N, in)`, lent for the call.
    public void observe(Consumer<Tensor> who) {
        observer = who;
    }

    /// Shows what one of the layers reads, where each is computed by itself.
    void read(int part, Tensor x) {
        if (part == 0) {
            observer.accept(x);
        }
    }

    /// Whether [#forwardInto] can do it.
    public boolean canWrite(Adapter adapter) {
        Attached own = updates.of(adapter);
        return weights.matrix().isPresent()
                && own.fitsColumns()
                && (adapter.kind() == Adapter.Kind.TRAINED || own.lowRank().isEmpty());
    }

    /// Writes `y = x Wᵀ + b` without dropout on a GPU, where [#canWrite], into memory that is there
    /// already.
    ///
    /// @param y written, `(N, out)`
    public void forwardInto(Tensor hx, Adapter adapter, Tensor y) {
        boolean updated = adapter.kind() == Adapter.Kind.TRAINED;
        if (updated) {
            updates.fill(hx, Dropout.NONE);
        }
        Kernels.mm(hx, (updated ? weights.matrix().orElseThrow() : weights.base()).t(), y);
        Tensor own = biasOf(adapter);
        if (own != null) {
            DeviceKernels.addBias(y, own);
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
                updates.fill(hx, dropout);
                yield weights.product(hx, residual);
            }
            case FROZEN -> withFrozen(hx, adapter, residual);
        };
    }

    /// `x Wᵀ` with the update of the trained adapter, whose columns are filled.
    Tensor filledProduct(Tensor hx) {
        return weights.product(hx, null);
    }

    /// The biases with an adapter, `(out)`, or null: none.
    Tensor biasOf(Adapter adapter) {
        return updates.of(adapter).biases().map(AdapterBiases::all).orElse(bias);
    }

    /// The columns that hold `x`, `(N, in)`.
    Tensor input(Tensor hx) {
        return hx.size(1) == in ? hx : hx.narrow(1, 0, in);
    }

    /// Adds the biases in place.
    Tensor addBias(Tensor y, Adapter adapter) {
        Tensor own = biasOf(adapter);
        return own == null ? y : y.addInPlace(own);
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
            case TRAINED -> updates.fill(hx, dropout);
            case FROZEN -> throw new IllegalStateException("a frozen adapter has no backward pass");
        }
    }

    /// `x Wᵀ`, plus a residual.
    Tensor withoutUpdate(Tensor hx, Tensor residual) {
        if (weights.extra() > 0 && !weights.packs()) {
            return LinearWeights.plus(hx.mm(weights.base().t()), residual);
        }
        reduce(hx, Adapter.OFF, Dropout.NONE);
        return weights.product(hx, residual);
    }

    private Tensor withFrozen(Tensor hx, Adapter adapter, Tensor residual) {
        return updates.inColumns(hx, adapter, residual)
                .orElseGet(
                        () -> {
                            Tensor y = withoutUpdate(hx, null);
                            updates.addTo(input(hx), adapter, y);
                            return LinearWeights.plus(y, residual);
                        });
    }

    /// The gradient of `x`, `(N, in)`; adds to the gradients of parameters.
    ///
    /// @param dy `(N, out)`
    /// @param hx what [#forward] was given and filled
    /// @param dropout what [#forward] was given
    public Tensor backward(Tensor dy, Tensor hx, Dropout dropout) {
        Attached trained = updates.of(Adapter.TRAINED);
        trained.biases().ifPresent(b -> b.learn(dy));
        return trained.fitsColumns()
                ? back(dy, hx, dropout)
                : trained.around().backward(dy, hx, dropout);
    }

    /// Back through the products with low-rank updates.
    Tensor back(Tensor dy, Tensor hx, Dropout dropout) {
        Tensor x = weights.extra() == 0 ? hx : hx.narrow(1, 0, in);
        gradients.add(dy, x);
        requirePlain();
        return updates.backward(dy, x, hx, dropout);
    }

    /// Makes backward passes add to the gradients of the base parameters (float32 views). Where all
    /// are null, nothing learns now, but may later.
    ///
    /// @param weights one per part, null where it isn't trained
    /// @param biases one per part, null where a part has none or it isn't trained
    public void trainBase(Tensor[] weights, Tensor[] biases) {
        keepPlain();
        gradients = new BaseGradients(parts, weights.clone(), biases.clone());
    }

    /// Whether the base's own weights are trained, now or at another time.
    public boolean trainsBase() {
        return !gradients.isEmpty();
    }

    /// Whether backward passes with an adapter add to gradients here.
    boolean learns(Adapter adapter) {
        return switch (adapter.kind()) {
            case OFF -> gradients.learn();
            case TRAINED -> !updates(adapter).isEmpty();
            case FROZEN -> false;
        };
    }

    BaseGradients baseGradients() {
        return gradients;
    }
}
