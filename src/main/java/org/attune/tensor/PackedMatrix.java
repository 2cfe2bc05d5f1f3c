package org.attune.tensor;

import org.attune.error.ShapeException;
import org.attune.tensor.vector.DropoutKernel;
import org.attune.tensor.vector.DropoutPart;
import org.attune.tensor.vector.DroppedProduct;
import org.attune.tensor.vector.OuterSums;
import org.attune.tensor.vector.PanelProduct;
import org.attune.tensor.vector.Panels;
import org.attune.tensor.vector.Rows;

import java.lang.foreign.MemorySegment;
import java.util.List;

/// A bfloat16 matrix copied into the order that products read fastest ([Panels]). The library puts
/// the plain order into such a one for each product anew, which is half of the work when few rows
/// are multiplied. Changes of the original don't reach the copy. A product may differ from the
/// plain one in the last bit.
public final class PackedMatrix implements AutoCloseable {
    /// Numbers below which one thread fills panels: rows are turned number by number.
    private static final int PACKING_WORTH_SHARING = 1 << 15;

    private final Tensor memory;
    private final int out;
    private final int in;
    private final int columns; // in memory

    private PackedMatrix(Tensor memory, int out, int in, int columns) {
        this.memory = memory;
        this.out = out;
        this.in = in;
        this.columns = columns;
    }

    /// Whether there are products for it: for bfloat16 on processors that multiply it.
    public static boolean isUseful(Device device, DType dtype) {
        return VectorKernels.serve(device, dtype) && VectorKernels.hasTiles(dtype);
    }

    /// Whether [TokenPass] can read a matrix with so many more columns.
    public static boolean servesTokens(int out, int in, int more) {
        return out % Panels.UNIT == 0 && in % Panels.UNIT == 0 && more % 2 == 0;
    }

    /// Whether there are products for an adapter's first matrices where their input has dropout.
    ///
    /// @param in their columns
    /// @param ranks rows of each
    public static boolean servesDropout(int in, List<Integer> ranks) {
        return in % DropoutKernel.MULTIPLE == 0
                && ranks.stream().allMatch(r -> r % 2 == 0 && r <= OuterSums.MOST_RANK);
    }

    /// Numbers that a copy takes in memory.
    ///
    /// @param more columns to leave room for
    public static long numbers(int out, int in, int more) {
        return (long) out * Panels.columns(in + more);
    }

    /// Copies a matrix.
    ///
    /// @param matrix `(out, in)`, dense in a row or in a column
    public static PackedMatrix of(Tensor matrix, TensorScope owner) {
        return of(matrix, 0, owner);
    }

    /// Copies a matrix and leaves room for columns, which are zero.
    ///
    /// @param matrix `(out, in)`, dense in a row or in a column
    /// @param more columns
    public static PackedMatrix of(Tensor matrix, int more, TensorScope owner) {
        int out = Math.toIntExact(matrix.size(0));
        int in = Math.toIntExact(matrix.size(1));
        try (var _ = TensorScope.open("pack")) {
            var shape = new long[] {numbers(out, in, more)};
            Tensor memory =
                    more == 0 && in % 2 == 0
                            ? Tensor.empty(matrix.device(), matrix.dtype(), shape)
                            : Tensor.zeros(matrix.device(), matrix.dtype(), shape);
            return of(matrix, more, owner.adopt(memory));
        }
    }

    /// Copies a matrix into memory that the copy then owns.
    ///
    /// @param matrix `(out, in)`, dense in a row or in a column
    /// @param more columns to leave room for
    /// @param memory of [#numbers]; its numbers must be zeros, where others than those of the
    ///     matrix will be read before they are written
    public static PackedMatrix of(Tensor matrix, int more, Tensor memory) {
        int out = Math.toIntExact(matrix.size(0));
        int in = Math.toIntExact(matrix.size(1));
        var copy = new PackedMatrix(memory, out, in, Panels.columns(in + more));
        copy.fillFirst(matrix);
        return copy;
    }

    /// Copies other numbers of a matrix of the same shape.
    public void replace(Tensor matrix) {
        if (matrix.size(0) != out || matrix.size(1) != in) {
            throw new ShapeException("%s can't take the place of %s".formatted(matrix, this));
        }
        fillFirst(matrix);
    }

    private void fillFirst(Tensor matrix) {
        if (matrix.strides()[1] == 1) {
            fill(matrix, 0);
            return;
        }
        long begun = OperatorTimes.begin();
        Rows rows = VectorKernels.rows(matrix.t());
        Panels.packTransposed(rows, in, place(0), VectorKernels.threads(matrix));
        OperatorTimes.end("attune::pack", begun);
    }

    /// Copies columns behind those of the matrix.
    ///
    /// @param last `(out, more)`, bfloat16, dense in a row
    public void fillMore(Tensor last) {
        if (last.size(0) != out || in + last.size(1) > columns) {
            throw new ShapeException("there is no room for %s behind %s".formatted(last, this));
        }
        fill(last, in);
    }

    private void fill(Tensor matrix, int first) {
        int threads = matrix.size() < PACKING_WORTH_SHARING ? 1 : Engine.threads();
        int wide = Math.toIntExact(matrix.size(1));
        VectorKernels.withMemory(
                first == 0 ? "attune::pack" : "attune::replace_columns",
                Panels.workBytes(wide, threads),
                work -> Panels.pack(VectorKernels.rows(matrix), wide, place(first), work, threads));
    }

    /// Moves the copy to other memory, which it then owns; this one is closed.
    ///
    /// @param other of as many numbers
    public PackedMatrix movedTo(Tensor other) {
        other.copyInPlace(memory);
        memory.close();
        return new PackedMatrix(other, out, in, columns);
    }

    /// The memory that holds the matrix's numbers, without the columns behind them.
    public List<MemorySegment> matrixMemory() {
        return Panels.ranges(address(), out, in, columns).stream()
                .map(range -> Libtorch.memory(range.address(), range.bytes()))
                .toList();
    }

    /// All of the copy's memory.
    public MemorySegment memory() {
        return memory.memory();
    }

    private Panels.Place place(int first) {
        return new Panels.Place(address(), out, first, columns);
    }

    /// `x matrixᵀ`, `(n, out)`.
    ///
    /// @param x `(n, in)`, or with as many more columns as there are, dense in a row
    public Tensor multiply(Tensor x) {
        return multiplyInto(x, result(x));
    }

    /// `x matrixᵀ + other`, added in float32, `(n, out)`.
    ///
    /// @param x as of [#multiply(Tensor)]
    /// @param other `(n, out)`, of the same dtype, dense in a row
    public Tensor multiply(Tensor x, Tensor other) {
        requireResult(x, other);
        Tensor y = result(x);
        run(factors(x), null, VectorKernels.rows(other), y);
        return y;
    }

    /// `x matrixᵀ + x₂ matrix₂ᵀ`, added in float32, `(n, out)`.
    ///
    /// @param x as of [#multiply(Tensor)]
    /// @param x2 likewise, of as many rows
    /// @param second of as many rows as this matrix
    public Tensor multiply(Tensor x, Tensor x2, PackedMatrix second) {
        return multiply(x, x2, second, List.of(), 1);
    }

    /// `x matrixᵀ + Σ factor · dropout(x₂ matrix₂ᵀ)`, added in float32, `(n, out)`.
    ///
    /// @param x as of [#multiply(Tensor)]
    /// @param x2 likewise, of as many rows
    /// @param second of as many rows as this matrix
    /// @param parts columns of the second matrix whose products lose different numbers, where
    ///     [#servesDropout]; none: nothing is lost
    /// @param factor of what is left
    public Tensor multiply(
            Tensor x, Tensor x2, PackedMatrix second, List<DropoutPart> parts, double factor) {
        if (x.size(0) != x2.size(0) || second.out != out) {
            throw new ShapeException(
                    "products of %s and %s and of %s and %s have other shapes"
                            .formatted(x, this, x2, second));
        }
        Tensor y = result(x);
        var addend = new PanelProduct.Addend(second.factors(x2), parts, (float) factor);
        run(factors(x), addend, null, y);
        return y;
    }

    /// Writes `factor · dropout(x) matrixᵀ`.
    ///
    /// @param x `(n, in)`
    /// @param parts rows of the matrix for which the input loses different numbers, where
    ///     [#servesDropout]
    /// @param y `(n, out)`, of the same dtype, dense in a row
    public void multiplyDropped(Tensor x, List<DropoutPart> parts, double factor, Tensor y) {
        requireResult(x, y);
        PanelProduct.Factors f = factors(x);
        int n = Math.toIntExact(x.size(0));
        int threads = threads(x.size() * out);
        var product = new DroppedProduct(parts, in, out, f.panels(), (float) factor);
        VectorKernels.withMemory(
                "attune::dropped_product",
                product.workBytes(threads),
                work -> product.run(f.x(), VectorKernels.rows(y), n, work, threads));
    }

    /// Writes `x matrixᵀ`.
    ///
    /// @param x as of [#multiply(Tensor)]
    /// @param y `(n, out)`, of the same dtype, dense in a row
    /// @return `y`
    public Tensor multiplyInto(Tensor x, Tensor y) {
        requireResult(x, y);
        run(factors(x), null, null, y);
        return y;
    }

    private Tensor result(Tensor x) {
        return Tensor.empty(x.device(), x.dtype(), x.size(0), out);
    }

    private void requireResult(Tensor x, Tensor y) {
        if (y.dim() != 2 || y.size(0) != x.size(0) || y.size(1) != out || y.dtype() != x.dtype()) {
            throw new ShapeException(
                    "%s has not the shape of the product of %s and %s".formatted(y, x, this));
        }
    }

    private PanelProduct.Factors factors(Tensor x) {
        Engine.requireEngineThread();
        if (x.dim() != 2
                || x.dtype() != memory.dtype()
                || x.size(1) != in && Panels.columns((int) x.size(1)) != columns) {
            throw new ShapeException("%s can't be multiplied by %s".formatted(x, this));
        }
        int depth = Math.toIntExact(x.size(1));
        return new PanelProduct.Factors(VectorKernels.rows(x), depth, address(), 0, columns);
    }

    private static int threads(long products) {
        return products < VectorKernels.PRODUCTS_WORTH_SHARING ? 1 : Engine.threads();
    }

    private void run(PanelProduct.Factors first, PanelProduct.Addend second, Rows other, Tensor y) {
        int n = Math.toIntExact(y.size(0));
        int threads = threads(y.size() * first.depth());
        VectorKernels.withMemory(
                "attune::product",
                PanelProduct.workBytes(threads),
                work ->
                        new PanelProduct(out)
                                .run(
                                        n,
                                        first,
                                        second,
                                        other,
                                        VectorKernels.rows(y),
                                        work,
                                        threads));
    }

    int out() {
        return out;
    }

    int in() {
        return in;
    }

    int columns() {
        return columns;
    }

    long address() {
        return VectorKernels.address(memory);
    }

    @Override
    public String toString() {
        return "packed (%d, %d)".formatted(out, in);
    }

    /// Frees the copy before its owner ends.
    @Override
    public void close() {
        memory.close();
    }
}
