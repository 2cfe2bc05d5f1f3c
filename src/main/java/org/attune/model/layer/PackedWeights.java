package org.attune.model.layer;

import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// A copy that forward passes read, and the numbers themselves, which backward passes read.
///
/// @param copy of `[W | B]`
/// @param frozen copies with other columns
record PackedWeights(
        Form form,
        Tensor base,
        Optional<AdapterColumns> columns,
        PackedMatrix copy,
        FrozenCopies frozen)
        implements WeightState {
    PackedWeights(Form form, Tensor base, Optional<AdapterColumns> columns, PackedMatrix copy) {
        this(form, base, columns, copy, new FrozenCopies());
    }

    @Override
    public boolean packs() {
        return true;
    }

    @Override
    public List<MemorySegment> frozenMemory() {
        return Stream.concat(Stream.of(base.memory()), copy.matrixMemory().stream()).toList();
    }

    @Override
    public List<MemorySegment> memory() {
        return List.of(base.memory(), copy.memory());
    }

    @Override
    public Tensor product(Tensor hx, Tensor residual) {
        return LinearWeights.product(copy, hx, residual);
    }

    @Override
    public Tensor product(Adapter adapter, Tensor hx, Tensor residual) {
        PackedMatrix own = frozen.of(adapter, () -> form.packed(base, columns));
        return LinearWeights.product(own, hx, residual);
    }

    @Override
    public LinearWeights.Gradient backward(Tensor dy) {
        return LinearWeights.Gradient.plain(dy, base, columns);
    }

    @Override
    public void columnsChanged() {
        columns.ifPresent(
                c -> {
                    c.changed();
                    copy.fillMore(c.matrix());
                });
    }

    @Override
    public void unpackFrozen() {
        frozen.close();
    }

    @Override
    public WeightState resized(int count) {
        columns.ifPresent(AdapterColumns::close);
        Optional<AdapterColumns> others = AdapterColumns.zeros(form, count);
        copy.close();
        return new PackedWeights(form, base, others, form.packed(base, others), frozen);
    }

    @Override
    public WeightState packed() {
        return this;
    }

    @Override
    public WeightState packedInto(Tensor memory) {
        return new PackedWeights(form, base, columns, copy.movedTo(memory), frozen);
    }

    @Override
    public WeightState bothWays() {
        try (var _ = TensorScope.open("pack")) {
            PackedMatrix back = PackedMatrix.of(base.t(), form.owner());
            base.close();
            return new BothWaysWeights(form, columns, copy, back, frozen);
        }
    }

    @Override
    public WeightState forwardOnly() {
        base.close();
        return new ForwardWeights(form, columns, copy);
    }

    @Override
    public WeightState withColumnsApart() {
        return this;
    }

    @Override
    public WeightState plain() {
        unpackFrozen();
        copy.close();
        return new PlainWeights(form, base, columns, false);
    }
}
