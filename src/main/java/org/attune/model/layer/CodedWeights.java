package org.attune.model.layer;

import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.vector.CodedRows;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Frozen weights in few bits. A product decodes some rows of `W`, as many as fit into the
/// processor's cache, puts an adapter's columns behind them, and multiplies all rows of its input
/// with these; the way back does so with columns. So what generates, measures and trains computes
/// with the same numbers.
///
/// @param parts of the layers, one below the other
/// @param step columns of all parts are decoded in multiples of it
/// @param panel where they are decoded to
record CodedWeights(
        Form form,
        List<FrozenMatrix> parts,
        Optional<AdapterColumns> columns,
        int step,
        DecodedPanel panel)
        implements FewBitsWeights {
    /// Steps that suit vectors and the products of processors.
    private static final int LEAST_STEP = 64;

    static CodedWeights of(Form form, List<FrozenMatrix> parts, DecodedPanel panel) {
        int step = parts.stream().mapToInt(p -> p.rows().step()).reduce(LEAST_STEP, Math::max);
        panel.reserve((long) form.out() * step);
        return new CodedWeights(form, List.copyOf(parts), Optional.empty(), step, panel);
    }

    /// Bytes in memory.
    long bytes() {
        return parts.stream().mapToLong(FrozenMatrix::bytes).sum();
    }

    /// Some rows of `W` in the compute dtype, in the current scope.
    Tensor decoded(int first, int count) {
        Tensor rows = Tensor.empty(form.device(), form.dtype(), count, form.in());
        decode(first, count, 0, form.in(), rows);
        return rows;
    }

    @Override
    public Tensor base() {
        return decoded(0, form.out());
    }

    private void decode(int first, int count, int column, int width, Tensor to) {
        int start = 0; // of the part
        for (FrozenMatrix part : parts) {
            int from = Math.max(first, start);
            int end = Math.min(first + count, start + part.out());
            if (from < end) {
                part.decode(from - start, end - from, column, width, to, from - first);
            }
            start += part.out();
        }
    }

    private CodedRows.Stack stack() {
        List<Integer> ends = new ArrayList<>();
        int end = 0;
        for (FrozenMatrix part : parts) {
            end += part.out();
            ends.add(end);
        }
        List<CodedRows> rows = parts.stream().map(FrozenMatrix::rows).toList();
        return new CodedRows.Stack(rows, ends, form.in());
    }

    /// Multiplies without numbers in memory, where there is such a product.
    private Tensor multiply(Tensor x, boolean back, Tensor own, Tensor residual) {
        int n = Math.toIntExact(x.size(0));
        int more = own == null ? 0 : Math.toIntExact(own.size(1));
        CodedRows.Stack matrix = stack();
        Tensor y = Tensor.empty(form.device(), form.dtype(), n, back ? form.in() : form.out());
        if (n == 0) {
            return y;
        }
        long bytes = Kernels.codedBytes(matrix, form.dtype(), back, n, more);
        panel.reserve(bytes / form.dtype().bytes());
        try (var _ = TensorScope.open("panel")) {
            Tensor memory = panel.matrix(1, bytes / form.dtype().bytes());
            Kernels.coded(matrix, x, back, own, residual, y, memory);
        }
        return y;
    }

    @Override
    public Tensor product(Tensor hx, Tensor residual) {
        int extra = columns.map(AdapterColumns::count).orElse(0);
        if (Kernels.servesCoded(form.dtype(), form.out(), form.in(), extra)) {
            return multiply(hx, false, columns.map(AdapterColumns::matrix).orElse(null), residual);
        }
        Tensor y = Tensor.empty(form.device(), form.dtype(), hx.size(0), form.out());
        int in = form.in();
        int all = in + columns.map(AdapterColumns::count).orElse(0);
        int most = Math.min(form.out(), DecodedPanel.most(all, 1));
        for (int row = 0; row < form.out(); row += most) {
            int count = Math.min(most, form.out() - row);
            try (var _ = TensorScope.open("panel")) {
                Tensor some = panel.matrix(count, all);
                decode(row, count, 0, in, some);
                if (all > in) {
                    Tensor own = columns.orElseThrow().matrix().narrow(0, row, count);
                    some.narrow(1, in, all - in).copyInPlace(own);
                }
                Kernels.mm(hx, some.t(), y.narrow(1, row, count));
            }
        }
        return LinearWeights.plus(y, residual);
    }

    @Override
    public Tensor product(Adapter frozen, Tensor hx, Tensor residual) {
        return product(hx, residual);
    }

    @Override
    public LinearWeights.Gradient backward(Tensor dy) {
        if (Kernels.servesCoded(form.dtype(), form.out(), form.in(), 0)) {
            return gradient(multiply(dy, true, null, null), dy);
        }
        int in = form.in();
        Tensor dx = Tensor.empty(form.device(), form.dtype(), dy.size(0), in);
        int most = DecodedPanel.most(form.out(), step);
        for (int column = 0; column < in; column += most) {
            int count = Math.min(most, in - column);
            try (var _ = TensorScope.open("panel")) {
                Tensor some = panel.matrix(form.out(), count);
                decode(0, form.out(), column, count, some);
                Kernels.mm(dy, some, dx.narrow(1, column, count));
            }
        }
        return gradient(dx, dy);
    }

    private LinearWeights.Gradient gradient(Tensor dx, Tensor dy) {
        return new LinearWeights.Gradient(dx, columns.map(c -> dy.mm(c.matrix())).orElse(null));
    }

    @Override
    public boolean packs() {
        return true; // the columns are beside the numbers in every product
    }

    @Override
    public List<MemorySegment> frozenMemory() {
        return parts.stream().flatMap(p -> p.memory().stream()).map(Tensor::memory).toList();
    }

    @Override
    public List<MemorySegment> memory() {
        return frozenMemory();
    }

    @Override
    public void columnsChanged() {
        columns.ifPresent(AdapterColumns::changed);
    }

    @Override
    public WeightState resized(int count) {
        columns.ifPresent(AdapterColumns::close);
        long all = (long) form.in() + count;
        panel.reserve(all);
        return new CodedWeights(form, parts, AdapterColumns.zeros(form, count), step, panel);
    }
}
