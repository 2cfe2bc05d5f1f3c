package org.attune.model.layer;

import org.attune.tensor.DigitMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.vector.ByteRows;
import org.attune.tensor.vector.CodedRows;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Frozen weights of 8 bits, by whose codes products multiply ([DigitMatrix]): no numbers are
/// decoded. An adapter's columns are beside them.
///
/// @param expand the columns as products read them
record DigitWeights(Form form, DigitMatrix matrix, Optional<AdapterColumns> columns, Expand expand)
        implements FewBitsWeights {
    /// An adapter's columns as products read them, made when they are first read after a change.
    static final class Expand {
        private Optional<Tensor> tensor = Optional.empty();

        private Tensor of(Form form, DigitMatrix matrix, AdapterColumns columns) {
            if (tensor.isEmpty()) {
                try (var _ = TensorScope.open("expand")) {
                    tensor = Optional.of(form.owner().adopt(matrix.expanding(columns.matrix())));
                }
            }
            return tensor.get();
        }

        private void close() {
            tensor.ifPresent(Tensor::close);
            tensor = Optional.empty();
        }
    }

    /// Weights that are kept so; empty where products decode numbers. What the parts had is freed.
    ///
    /// @param parts one below the other
    static Optional<WeightState> of(Form form, List<FrozenMatrix> parts) {
        List<ByteRows> rows = new ArrayList<>();
        for (FrozenMatrix part : parts) {
            CodedRows own = part.rows();
            if (own instanceof ByteRows bytes) {
                rows.add(bytes);
            }
        }
        if (rows.size() < parts.size()
                || !DigitMatrix.isUseful(form.dtype(), form.out(), form.in())) {
            return Optional.empty();
        }
        DigitMatrix matrix = DigitMatrix.of(form.owner(), rows, form.out());
        parts.forEach(part -> part.memory().forEach(Tensor::close));
        return Optional.of(new DigitWeights(form, matrix, Optional.empty(), new Expand()));
    }

    /// Bytes in memory.
    long bytes() {
        return matrix.memory().stream().mapToLong(t -> t.size() * t.dtype().bytes()).sum();
    }

    /// Some rows of `W`, in the current scope.
    Tensor decoded(int first, int count) {
        Tensor rows = Tensor.empty(form.device(), form.dtype(), count, form.in());
        matrix.decode(first, rows);
        return rows;
    }

    @Override
    public Tensor base() {
        return decoded(0, form.out());
    }

    @Override
    public boolean packs() {
        return true; // the columns are beside the numbers in every product
    }

    @Override
    public List<MemorySegment> frozenMemory() {
        return matrix.memory().stream().map(Tensor::memory).toList();
    }

    @Override
    public List<MemorySegment> memory() {
        return frozenMemory();
    }

    @Override
    public Tensor product(Tensor hx, Tensor residual) {
        Tensor own = columns.map(c -> expand.of(form, matrix, c)).orElse(null);
        return matrix.multiply(hx, own, residual);
    }

    @Override
    public Tensor product(Adapter frozen, Tensor hx, Tensor residual) {
        if (columns.isEmpty()) {
            return matrix.multiply(hx, null, residual);
        }
        Tensor own = matrix.expanding(columns.get().matrix());
        Tensor y = matrix.multiply(hx, own, residual);
        own.close();
        return y;
    }

    @Override
    public LinearWeights.Gradient backward(Tensor dy) {
        Tensor dx = matrix.multiplyBack(dy);
        return new LinearWeights.Gradient(dx, columns.map(c -> dy.mm(c.matrix())).orElse(null));
    }

    @Override
    public void columnsChanged() {
        columns.ifPresent(AdapterColumns::changed);
        expand.close();
    }

    @Override
    public WeightState resized(int count) {
        columns.ifPresent(AdapterColumns::close);
        expand.close();
        return new DigitWeights(form, matrix, AdapterColumns.zeros(form, count), new Expand());
    }
}
