package org.attune.model.layer;

import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/// The numbers themselves with an adapter's columns behind them in one matrix, of which both are
/// views.
///
/// @param matrix `[W | B]`
/// @param base `W`
/// @param own `B`
/// @param behind where `B` is copied to behind `W`, if it is kept elsewhere
record JoinedWeights(
        Form form, Tensor matrix, Tensor base, AdapterColumns own, Optional<Tensor> behind)
        implements WeightState {
    /// Other columns behind `W`, which is closed.
    static WeightState of(Form form, Tensor base, int count) {
        try (var _ = TensorScope.open("attach")) {
            Tensor wider = form.owner().adopt(form.zeros((long) form.in() + count));
            wider.narrow(1, 0, form.in()).copyInPlace(base);
            base.close();
            if (count == 0) {
                return new PlainWeights(form, wider, Optional.empty(), false);
            }
            return new JoinedWeights(
                    form,
                    wider,
                    form.owner().adopt(wider.narrow(1, 0, form.in())),
                    new AdapterColumns(form.owner(), wider.narrow(1, form.in(), count)),
                    Optional.empty());
        }
    }

    @Override
    public Optional<AdapterColumns> columns() {
        return Optional.of(own);
    }

    @Override
    public boolean packs() {
        return false;
    }

    @Override
    public List<MemorySegment> frozenMemory() {
        return List.of(); // each page has columns too
    }

    @Override
    public List<MemorySegment> memory() {
        return List.of(matrix.memory());
    }

    @Override
    public Tensor product(Tensor hx, Tensor residual) {
        return LinearWeights.plus(hx.mm(matrix.t()), residual);
    }

    @Override
    public Tensor product(Adapter frozen, Tensor hx, Tensor residual) {
        copyBehind();
        return product(hx, residual);
    }

    private void copyBehind() {
        behind.ifPresent(place -> place.copyInPlace(own.matrix()));
    }

    @Override
    public LinearWeights.Gradient backward(Tensor dy) {
        Tensor dhx = dy.mm(matrix); // both in one product
        Tensor dx = dhx.narrow(1, 0, form.in());
        Tensor dus = dhx.narrow(1, form.in(), own.count()).contiguous();
        dhx.close(); // the views keep the memory
        return new LinearWeights.Gradient(dx, dus);
    }

    @Override
    public void columnsChanged() {
        own.changed();
        copyBehind();
    }

    @Override
    public void columnsAreTrained() {
        copyBehind();
    }

    @Override
    public void unpackFrozen() {
        // there are no copies
    }

    @Override
    public WeightState resized(int count) {
        WeightState resized = of(form, base, count);
        close();
        return resized;
    }

    private void close() {
        own.close();
        behind.ifPresent(Tensor::close);
        matrix.close();
    }

    @Override
    public WeightState packed() {
        return this;
    }

    @Override
    public WeightState packedInto(Tensor memory) {
        var copy = form.packed(base, columns(), memory);
        try (var _ = TensorScope.open("pack")) {
            Tensor plain = form.owner().adopt(base.contiguous());
            AdapterColumns apart = own.apart();
            base.close();
            matrix.close();
            return new PackedWeights(form, plain, Optional.of(apart), copy);
        }
    }

    @Override
    public WeightState bothWays() {
        return this;
    }

    @Override
    public WeightState forwardOnly() {
        if (!form.canPack()) {
            return this;
        }
        try (var _ = TensorScope.open("pack")) {
            var copy = form.packed(base, columns());
            AdapterColumns apart = own.apart();
            base.close();
            matrix.close();
            return new ForwardWeights(form, Optional.of(apart), copy);
        }
    }

    @Override
    public WeightState withColumnsApart() {
        if (behind.isPresent()) {
            return this;
        }
        try (var _ = TensorScope.open("apart")) {
            Tensor place = form.owner().adopt(matrix.narrow(1, form.in(), own.count()));
            return new JoinedWeights(form, matrix, base, own.apart(), Optional.of(place));
        }
    }

    @Override
    public WeightState plain() {
        return this; // products read the numbers themselves
    }
}
