package org.attune.model.layer;

import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/// The numbers themselves, with no adapter beside them, or still waiting to be copied.
///
/// @param base `W`
/// @param columns stand apart; there are none unless it waits
/// @param packs whether it waits for a copy that products will read
record PlainWeights(Form form, Tensor base, Optional<AdapterColumns> columns, boolean packs)
        implements WeightState {
    @Override
    public List<MemorySegment> frozenMemory() {
        return List.of(base.memory());
    }

    @Override
    public List<MemorySegment> memory() {
        return frozenMemory();
    }

    @Override
    public Tensor product(Tensor hx, Tensor residual) {
        return LinearWeights.plus(hx.mm(base.t()), residual);
    }

    @Override
    public Tensor product(Adapter frozen, Tensor hx, Tensor residual) {
        return product(hx, residual);
    }

    @Override
    public LinearWeights.Gradient backward(Tensor dy) {
        return LinearWeights.Gradient.plain(dy, base, columns);
    }

    @Override
    public void columnsChanged() {
        columns.ifPresent(AdapterColumns::changed);
    }

    @Override
    public void unpackFrozen() {
        // there are no copies
    }

    @Override
    public WeightState resized(int count) {
        if (!packs) {
            return JoinedWeights.of(form, base, count);
        }
        columns.ifPresent(AdapterColumns::close);
        return new PlainWeights(form, base, AdapterColumns.zeros(form, count), true);
    }

    @Override
    public WeightState packed() {
        return packs ? new PackedWeights(form, base, columns, form.packed(base, columns)) : this;
    }

    @Override
    public WeightState packedInto(Tensor memory) {
        return new PackedWeights(form, base, columns, form.packed(base, columns, memory));
    }

    @Override
    public WeightState bothWays() {
        return packs ? packed().bothWays() : this;
    }

    @Override
    public WeightState forwardOnly() {
        if (!form.canPack()) {
            return this;
        }
        try (var _ = TensorScope.open("pack")) {
            var copy = form.packed(base, columns);
            base.close();
            return new ForwardWeights(form, columns, copy);
        }
    }

    @Override
    public WeightState withColumnsApart() {
        return this;
    }

    @Override
    public WeightState plain() {
        return new PlainWeights(form, base, columns, false);
    }
}
