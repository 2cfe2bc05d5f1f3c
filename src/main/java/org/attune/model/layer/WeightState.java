package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/// How the weights of layers that read the same input stand in memory: `W` of shape `(out, in)` and
/// an adapter's columns `B` of shape `(out, R)`. Each state has only what its passes read. A change
/// of state gives a new one and leaves the old one unusable.
sealed interface WeightState
        permits PlainWeights,
                JoinedWeights,
                PackedWeights,
                BothWaysWeights,
                ForwardWeights,
                FewBitsWeights {
    /// What is the same in all states.
    ///
    /// @param owner of all tensors
    record Form(TensorScope owner, int out, int in, Device device, DType dtype) {
        /// `(out, columns)`.
        Tensor zeros(long columns) {
            return Tensor.zeros(device, dtype, out, columns);
        }

        /// A copy of `[W | B]` in the layout that products like best.
        PackedMatrix packed(Tensor base, Optional<AdapterColumns> columns) {
            int more = columns.map(AdapterColumns::count).orElse(0);
            return filled(PackedMatrix.of(base, more, owner), columns);
        }

        /// A copy of `[W | B]` in memory that the copy then owns.
        PackedMatrix packed(Tensor base, Optional<AdapterColumns> columns, Tensor memory) {
            int more = columns.map(AdapterColumns::count).orElse(0);
            return filled(PackedMatrix.of(base, more, memory), columns);
        }

        private static PackedMatrix filled(PackedMatrix copy, Optional<AdapterColumns> columns) {
            columns.ifPresent(c -> copy.fillMore(c.matrix()));
            return copy;
        }

        /// Whether packed copies are of use here.
        boolean canPack() {
            return PackedMatrix.isUseful(device, dtype);
        }
    }

    /// `W`, the numbers themselves.
    Tensor base();

    Optional<AdapterColumns> columns();

    /// Whether products read copies.
    boolean packs();

    /// Memory of the processor whose numbers are those of `W` and stay as they are.
    List<MemorySegment> frozenMemory();

    /// All memory of the processor with numbers of `W`, in which the columns may stand too. Where
    /// they do, [#columnsChanged] writes them again.
    List<MemorySegment> memory();

    /// `hx [W | B]ᵀ`, plus a residual.
    ///
    /// @param hx `(N, in + R)`
    /// @param residual `(N, out)` or null
    Tensor product(Tensor hx, Tensor residual);

    /// `hx [W | B]ᵀ`, plus a residual, while the columns are those of a frozen adapter, which stay
    /// as they are.
    Tensor product(Adapter frozen, Tensor hx, Tensor residual);

    /// @param dy gradient of the output, `(N, out)`
    LinearWeights.Gradient backward(Tensor dy);

    /// Copies the columns to where products read them.
    void columnsChanged();

    /// Says that the columns are those of the trained adapter again, after a product with a frozen
    /// one's.
    default void columnsAreTrained() {}

    /// Forgets copies with the columns of frozen adapters.
    void unpackFrozen();

    /// The state with `count` other columns, which are zero.
    WeightState resized(int count);

    /// The state with the copy that forward passes read, if there is to be one.
    WeightState packed();

    /// The state with the copy that forward passes read in memory that the copy then owns.
    WeightState packedInto(Tensor memory);

    /// The state with a copy for backward passes too, if there is one for forward passes, and
    /// without `W`.
    WeightState bothWays();

    /// The state with nothing but what forward passes read, where there can be a copy.
    WeightState forwardOnly();

    /// The state with columns that are kept elsewhere too, so that [#memory] can lose its numbers.
    WeightState withColumnsApart();

    /// The state with `W` itself for products to read, since it will be trained.
    WeightState plain();
}
