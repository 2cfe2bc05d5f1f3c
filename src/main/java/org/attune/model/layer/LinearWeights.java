package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.vector.DropoutPart;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.IntFunction;

/// The weights of layers that read the same input and an adapter's columns behind them, in the
/// [state][WeightState] that was last asked for: as they were loaded, joined with columns, with
/// copies for forward passes or for both directions, or with nothing but a copy.
final class LinearWeights {
    private final WeightState.Form form;
    private WeightState state;
    private boolean memoryIsTaken;
    private boolean absent; // the numbers have left memory
    private IntFunction<Optional<Tensor>> original = _ -> Optional.empty();

    /// @param packs whether to keep a copy in the layout that products like best
    LinearWeights(TensorScope owner, int out, int in, Device device, DType dtype, boolean packs) {
        form = new WeightState.Form(owner, out, in, device, dtype);
        Tensor base = owner.adopt(Tensor.empty(device, dtype, out, in));
        state = new PlainWeights(form, base, Optional.empty(), packs);
    }

    /// Weights in few bits.
    ///
    /// @param parts one below the other
    LinearWeights(
            TensorScope owner, int in, DType dtype, List<FrozenMatrix> parts, DecodedPanel panel) {
        int out = parts.stream().mapToInt(FrozenMatrix::out).sum();
        form = new WeightState.Form(owner, out, in, Device.cpu(), dtype);
        state = DigitWeights.of(form, parts).orElseGet(() -> CodedWeights.of(form, parts, panel));
    }

    /// Says how parts are read that were brought to few bits.
    void cameFrom(IntFunction<Optional<Tensor>> read) {
        original = read;
    }

    /// A part as it was before it was brought to few bits; empty if it wasn't.
    Optional<Tensor> original(int part) {
        return original.apply(part);
    }

    /// Bytes of weights in few bits; empty where they are dense.
    OptionalLong codedBytes() {
        return switch (state) {
            case CodedWeights s -> OptionalLong.of(s.bytes());
            case DigitWeights s -> OptionalLong.of(s.bytes());
            default -> OptionalLong.empty();
        };
    }

    /// Memory of the processor whose numbers are those of `W` and stay as they are.
    List<MemorySegment> frozenMemory() {
        return state.frozenMemory();
    }

    /// All memory of the processor with numbers of `W`, from now on such that it can lose them:
    /// [#columnsChanged] writes what else is there.
    List<MemorySegment> takeMemory() {
        pack();
        state = state.withColumnsApart();
        memoryIsTaken = true;
        return state.memory();
    }

    /// Says that the numbers are about to leave memory.
    void leave() {
        state.unpackFrozen();
        absent = true;
    }

    /// Says that the numbers are back.
    void arrive() {
        absent = false;
        state.columnsChanged();
    }

    private void requirePresent() {
        if (absent) {
            throw new IllegalStateException(
                    "weights of %d times %d numbers are read, of which this process keeps a part"
                            .formatted(form.out(), form.in()));
        }
    }

    private void requireOwnMemory() {
        if (memoryIsTaken) {
            throw new IllegalStateException(
                    "weights can't take another form when their memory comes and goes");
        }
    }

    /// Whether products read copies.
    boolean packs() {
        return state.packs();
    }

    boolean packsBackward() {
        return state instanceof BothWaysWeights;
    }

    /// Whether products multiply by codes of 8 bits.
    boolean multipliesCodes() {
        return state instanceof DigitWeights;
    }

    /// Whether there is nothing but what forward passes read.
    boolean isForwardOnly() {
        return state instanceof ForwardWeights;
    }

    /// `R`.
    int extra() {
        return state.columns().map(AdapterColumns::count).orElse(0);
    }

    /// `W`, the numbers themselves.
    Tensor base() {
        requirePresent();
        return state.base();
    }

    /// Some rows of `W`: a view, or a copy in the current scope of weights in few bits.
    Tensor base(int first, int count) {
        requirePresent();
        return switch (state) {
            case CodedWeights s -> s.decoded(first, count);
            case DigitWeights s -> s.decoded(first, count);
            default -> state.base().narrow(0, first, count);
        };
    }

    /// `B`, to be changed, where `R > 0`; call [#columnsChanged] then.
    Tensor columns() {
        return state.columns().orElseThrow().matrix();
    }

    /// Says that the columns are those of the trained adapter again, after a product with a frozen
    /// one's.
    void columnsAreTrained() {
        state.columnsAreTrained();
    }

    /// Makes room for other columns, and zeros them.
    void resize(int count) {
        if (count == extra()) {
            state.columns().ifPresent(c -> c.matrix().zeroInPlace());
            return;
        }
        requireOwnMemory();
        try (var _ = TensorScope.open("attach")) {
            state = state.resized(count);
        }
    }

    /// Copies the columns to where products read them.
    void columnsChanged() {
        if (!absent) { // else when they are back
            state.columnsChanged();
        }
    }

    /// Makes the copy that forward passes read, if there is to be one and there is none yet. The
    /// first product would make it too, but in the midst of activations, which then stand
    /// scattered.
    void pack() {
        state = state.packed();
    }

    /// How many numbers the packed copy has.
    long packedNumbers() {
        return PackedMatrix.numbers(form.out(), form.in(), extra());
    }

    /// Makes products read a copy from now on, which stands where it is told to.
    ///
    /// @param memory of [#packedNumbers]; is the copy's
    void packInto(Tensor memory) {
        requireOwnMemory();
        state = state.packedInto(memory);
    }

    /// The copy that forward passes read.
    PackedMatrix packed() {
        return switch (state) {
            case PackedWeights s -> s.copy();
            case BothWaysWeights s -> s.copy();
            case ForwardWeights s -> s.copy();
            case PlainWeights _, JoinedWeights _, CodedWeights _, DigitWeights _ ->
                    throw new IllegalStateException("there is no copy");
        };
    }

    /// Makes a copy for backward passes too, of `W` alone, and gives `W` back.
    void packBackward() {
        requireOwnMemory();
        state = state.bothWays();
    }

    /// Makes products read the numbers themselves from now on: they will be trained.
    void keepPlain() {
        requireOwnMemory();
        state = state.plain();
    }

    /// Keeps nothing but what forward passes read, where there can be a copy.
    void keepForward() {
        requireOwnMemory();
        state = state.forwardOnly();
    }

    /// Forgets copies with the columns of frozen adapters.
    void unpackFrozen() {
        state.unpackFrozen();
    }

    /// `[W | B]`, the numbers themselves; empty where products read copies.
    Optional<Tensor> matrix() {
        return switch (state) {
            case PlainWeights s when !s.packs() -> Optional.of(s.base());
            case JoinedWeights s -> Optional.of(s.matrix());
            default -> Optional.empty();
        };
    }

    /// `hx [W | B]ᵀ`, plus a residual, which copies add in float32 before rounding.
    ///
    /// @param hx `(N, in + R)`
    /// @param residual `(N, out)` or null
    /// @return `(N, out)`
    Tensor product(Tensor hx, Tensor residual) {
        requirePresent();
        pack();
        return state.product(hx, residual);
    }

    /// `hx [W | B]ᵀ`, plus a residual, while the columns are those of a frozen adapter, which stay
    /// as they are.
    Tensor product(Adapter frozen, Tensor hx, Tensor residual) {
        requirePresent();
        pack();
        return state.product(frozen, hx, residual);
    }

    /// @param residual or null: none
    static Tensor plus(Tensor y, Tensor residual) {
        return residual == null ? y : y.addInPlace(residual);
    }

    static Tensor product(PackedMatrix copy, Tensor hx, Tensor residual) {
        return residual == null ? copy.multiply(hx) : copy.multiply(hx, residual);
    }

    /// What a backward pass gives.
    ///
    /// @param dx gradient of the input, `(N, in)`
    /// @param dus gradient of what the adapter's columns are multiplied by, `(N, R)`; null where
    ///     `R = 0`
    record Gradient(Tensor dx, Tensor dus) {
        /// Computes gradients by products with the numbers themselves.
        static Gradient plain(Tensor dy, Tensor base, Optional<AdapterColumns> columns) {
            return new Gradient(dy.mm(base), columns.map(c -> dy.mm(c.matrix())).orElse(null));
        }
    }

    /// @param dy gradient of the output, `(N, out)`
    Gradient backward(Tensor dy) {
        requirePresent();
        return state.backward(dy);
    }

    /// Computes gradients, with the adapter's part of `dx` added in float32. Needs a copy for
    /// backward passes, and an adapter.
    ///
    /// @param reducers the adapter's first matrices, transposed, `(in, R)`
    /// @param parts columns of these whose input had dropout; none: it had none
    /// @param scale of what dropout left
    Gradient backward(Tensor dy, PackedMatrix reducers, List<DropoutPart> parts, double scale) {
        requirePresent();
        return ((BothWaysWeights) state).backward(dy, reducers, parts, scale);
    }
}
