package org.attune.model.layer;

import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/// Nothing but the copy that forward passes read: nothing can be attached, merged or trained.
///
/// @param copy of `[W | B]`
record ForwardWeights(Form form, Optional<AdapterColumns> columns, PackedMatrix copy)
        implements WeightState {
    private static IllegalStateException none() {
        return new IllegalStateException("only what forward passes read is kept");
    }

    @Override
    public Tensor base() {
        throw none();
    }

    @Override
    public boolean packs() {
        return true;
    }

    @Override
    public List<MemorySegment> frozenMemory() {
        return copy.matrixMemory();
    }

    @Override
    public List<MemorySegment> memory() {
        return List.of(copy.memory());
    }

    @Override
    public Tensor product(Tensor hx, Tensor residual) {
        return LinearWeights.product(copy, hx, residual);
    }

    @Override
    public Tensor product(Adapter frozen, Tensor hx, Tensor residual) {
        throw none();
    }

    @Override
    public LinearWeights.Gradient backward(Tensor dy) {
        throw none();
    }

    @Override
    public void columnsChanged() {
        columns.ifPresent(c -> copy.fillMore(c.matrix()));
    }

    @Override
    public void unpackFrozen() {
        // there are none
    }

    @Override
    public WeightState resized(int count) {
        throw none();
    }

    @Override
    public WeightState packed() {
        return this;
    }

    @Override
    public WeightState packedInto(Tensor memory) {
        return new ForwardWeights(form, columns, copy.movedTo(memory));
    }

    @Override
    public WeightState bothWays() {
        return this;
    }

    @Override
    public WeightState forwardOnly() {
        return this;
    }

    @Override
    public WeightState withColumnsApart() {
        return this;
    }

    @Override
    public WeightState plain() {
        throw none();
    }
}
