package org.attune.tensor;

import org.attune.error.ShapeException;
import org.attune.tensor.vector.Rows;
import org.attune.tensor.vector.ScaledRows;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Copies of matrices, times a factor, in other places and maybe in another dtype, that are all
/// made anew at once. By operators each takes two passes and a handful of views, whose calls take
/// longer than their work.
public final class ScaledCopies implements AutoCloseable {
    /// Below as many numbers one thread copies all.
    private static final long WORTH_SHARING = 1 << 20;

    private final TensorScope owner;
    private final List<ScaledRows> rows = new ArrayList<>();
    private final List<Copy> others = new ArrayList<>();
    private long numbers;

    /// What operators copy.
    private record Copy(Tensor from, double factor, Tensor to) {
        void run() {
            if (DeviceKernels.serveMatrices(from, to)) {
                DeviceKernels.copy(from, to, factor);
            } else {
                to.copyInPlace(factor == 1 ? from : from.mul(factor));
            }
        }
    }

    /// @param owner of the views that this keeps until it is closed
    public ScaledCopies(TensorScope owner) {
        this.owner = owner;
    }

    /// Adds a copy, for [#run] to make.
    ///
    /// @param from `(N, M)`, whose memory must last as long as this
    /// @param to likewise
    /// @throws ShapeException if they have different shapes
    public void add(Tensor from, double factor, Tensor to) {
        if (from.dim() != 2 || !Arrays.equals(from.shape(), to.shape())) {
            throw new ShapeException("%s can't be a copy of %s".formatted(to, from));
        }
        numbers += from.size();
        Optional<ScaledRows> served = rows(from, factor, to);
        served.ifPresentOrElse(rows::add, () -> others.add(new Copy(view(from), factor, view(to))));
    }

    private Tensor view(Tensor t) {
        return owner.adopt(t.narrow(0, 0, t.size(0)));
    }

    /// What the kernel copies, if it can.
    private static Optional<ScaledRows> rows(Tensor from, double factor, Tensor to) {
        boolean copies = factor == 1 && from.dtype() == to.dtype();
        if (from.dtype() != DType.FLOAT32 && !copies
                || from.strides()[1] != 1
                || to.strides()[1] != 1) {
            return Optional.empty();
        }
        boolean dense = from.isDense() && to.isDense(); // one row
        int rows = dense ? 1 : Math.toIntExact(to.size(0));
        int columns = Math.toIntExact(to.size() / rows);
        if (!VectorKernels.serve(to.device(), to.dtype(), columns)) {
            return Optional.empty();
        }
        Rows source = VectorKernels.rows(from);
        return Optional.of(
                new ScaledRows(source, (float) factor, VectorKernels.rows(to), rows, columns));
    }

    /// Makes all copies.
    public void run() {
        long begun = OperatorTimes.begin();
        ScaledRows.copy(rows, numbers < WORTH_SHARING ? 1 : Engine.threads());
        OperatorTimes.end("attune::scaled_copies", begun);
        try (var _ = TensorScope.open("copies")) {
            for (Copy copy : others) {
                copy.run();
            }
        }
    }

    /// Frees the views before their owner ends.
    @Override
    public void close() {
        for (Copy copy : others) {
            copy.from.close();
            copy.to.close();
        }
        others.clear();
    }
}
