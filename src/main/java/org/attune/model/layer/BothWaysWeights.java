package org.attune.model.layer;

import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.vector.DropoutPart;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Copies that forward and backward passes read. The numbers themselves are given back. They are
/// made again from a copy when they are asked for. Then they stay, since an adapter that changed
/// its form once will do so again.
final class BothWaysWeights implements WeightState {
    private final Form form;
    private final Optional<AdapterColumns> columns;
    private final PackedMatrix copy; // of [W | B]
    private final PackedMatrix back; // of Wᵀ
    private final FrozenCopies frozen;
    private Optional<Tensor> base = Optional.empty();

    BothWaysWeights(
            Form form,
            Optional<AdapterColumns> columns,
            PackedMatrix copy,
            PackedMatrix back,
            FrozenCopies frozen) {
        this.form = form;
        this.columns = columns;
        this.copy = copy;
        this.back = back;
        this.frozen = frozen;
    }

    private BothWaysWeights with(Optional<AdapterColumns> others, PackedMatrix other) {
        var changed = new BothWaysWeights(form, others, other, back, frozen);
        changed.base = base;
        return changed;
    }

    @Override
    public Tensor base() {
        if (base.isEmpty()) {
            try (var _ = TensorScope.open("unpack")) {
                base = Optional.of(form.owner().adopt(unpacked()));
            }
        }
        return base.get();
    }

    /// Products with the unit matrix are the numbers: of each sum one summand isn't zero. Taken
    /// from the copy for which that matrix is the smaller one.
    private Tensor unpacked() {
        return form.out() <= form.in()
                ? back.multiply(unit(form.out()))
                : copy.multiply(unit(form.in())).t().contiguous();
    }

    private Tensor unit(int size) {
        int[] diagonal = new int[size];
        Arrays.setAll(diagonal, i -> i);
        return Tensor.zeros(form.device(), form.dtype(), size, size)
                .scatterAddInPlace(
                        1,
                        Tensor.ofInts(form.device(), diagonal, size, 1),
                        Tensor.full(form.device(), form.dtype(), 1, size, 1));
    }

    private void giveBack() {
        base.ifPresent(Tensor::close);
        base = Optional.empty();
    }

    PackedMatrix copy() {
        return copy;
    }

    @Override
    public Optional<AdapterColumns> columns() {
        return columns;
    }

    @Override
    public boolean packs() {
        return true;
    }

    @Override
    public List<MemorySegment> frozenMemory() {
        Stream<MemorySegment> copies =
                Stream.of(copy, back).flatMap(c -> c.matrixMemory().stream());
        return Stream.concat(base.stream().map(Tensor::memory), copies).toList();
    }

    @Override
    public List<MemorySegment> memory() {
        return Stream.concat(
                        base.stream().map(Tensor::memory), Stream.of(copy.memory(), back.memory()))
                .toList();
    }

    @Override
    public Tensor product(Tensor hx, Tensor residual) {
        return LinearWeights.product(copy, hx, residual);
    }

    @Override
    public Tensor product(Adapter adapter, Tensor hx, Tensor residual) {
        return LinearWeights.product(frozen.of(adapter, this::packedOnce), hx, residual);
    }

    /// Doesn't keep `W` if it was given back: nothing changes such a copy.
    private PackedMatrix packedOnce() {
        boolean wasGivenBack = base.isEmpty();
        PackedMatrix other = form.packed(base(), columns);
        if (wasGivenBack) {
            giveBack();
        }
        return other;
    }

    @Override
    public LinearWeights.Gradient backward(Tensor dy) {
        Tensor dx = back.multiply(dy);
        return new LinearWeights.Gradient(dx, columns.map(c -> c.packedProduct(dy)).orElse(null));
    }

    /// Gradients as of [LinearWeights#backward(Tensor, PackedMatrix, List, double)].
    LinearWeights.Gradient backward(
            Tensor dy, PackedMatrix reducers, List<DropoutPart> parts, double scale) {
        Tensor dus = columns.orElseThrow().packedProduct(dy);
        return new LinearWeights.Gradient(back.multiply(dy, dus, reducers, parts, scale), dus);
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
        Tensor numbers = base(); // from the old copy, if need be
        columns.ifPresent(AdapterColumns::close);
        Optional<AdapterColumns> others = AdapterColumns.zeros(form, count);
        copy.close();
        return with(others, form.packed(numbers, others));
    }

    @Override
    public WeightState packed() {
        return this;
    }

    @Override
    public WeightState packedInto(Tensor memory) {
        return with(columns, copy.movedTo(memory));
    }

    @Override
    public WeightState bothWays() {
        return this;
    }

    @Override
    public WeightState forwardOnly() {
        giveBack();
        back.close();
        return new ForwardWeights(form, columns, copy);
    }

    @Override
    public WeightState withColumnsApart() {
        return this;
    }

    @Override
    public WeightState plain() {
        Tensor numbers = base();
        unpackFrozen();
        copy.close();
        back.close();
        return new PlainWeights(form, numbers, columns, false);
    }
}
