package org.attune.tensor;

import org.attune.error.ShapeException;
import org.attune.tensor.vector.ByteRows;
import org.attune.tensor.vector.DigitPanels;

import java.util.List;

/// Frozen weights of 8 bits with a size a row, in the order in which processors that multiply
/// bytes read them ([DigitPanels]), and their products with float32 rows. Nothing
/// is decoded for a product.
public final class DigitMatrix {
    private final int out;
    private final int in;
    private final Tensor codes; // uint8 (out · in), in panels
    private final Tensor sizes; // float32 (out)
    private final Tensor scales; // float32 (out)
    private final Tensor rowSums; // int32 (out)
    private final Tensor columnSums; // int32 (in)
    private final Tensor ones; // float32 (in)

    private DigitMatrix(TensorScope owner, int out, int in) {
        this.out = out;
        this.in = in;
        codes = empty(owner, DType.UINT8, (long) out * in);
        sizes = empty(owner, DType.FLOAT32, out);
        scales = empty(owner, DType.FLOAT32, out);
        rowSums = empty(owner, DType.INT32, out);
        columnSums = empty(owner, DType.INT32, in);
        ones = empty(owner, DType.FLOAT32, in);
    }

    private static Tensor empty(TensorScope owner, DType dtype, long count) {
        return owner.adopt(Tensor.empty(Device.cpu(), dtype, count));
    }

    /// Asked for at the first use, when libtorch is loaded.
    private static final class Products {
        static final boolean AVAILABLE =
                DigitPanels.areAvailable()
                        && Engine.hasByteProducts()
                        && !"off".equals(System.getProperty("attune.tiles"));
    }

    /// Whether there are products for such weights: with float32 rows on processors that multiply
    /// bytes. `-Dattune.tiles=off` switches them off. The engine must have started.
    public static boolean isUseful(DType dtype, int out, int in) {
        return dtype == DType.FLOAT32
                && VectorKernels.serve(Device.cpu(), dtype)
                && Products.AVAILABLE
                && DigitPanels.fits(out, in);
    }

    /// Puts matrices, one below the other, into panels, where [#isUseful].
    ///
    /// @param out rows of all of them
    public static DigitMatrix of(TensorScope owner, List<ByteRows> parts, int out) {
        try (var _ = TensorScope.open("pack")) {
            var matrix = new DigitMatrix(owner, out, parts.getFirst().in());
            DigitPanels panels = matrix.panels();
            int row = 0;
            for (ByteRows part : parts) {
                panels.pack(row, part, Engine.threads());
                row += Math.toIntExact(part.sizes().byteSize() / Float.BYTES);
            }
            panels.sum(Engine.threads());
            return matrix;
        }
    }

    private DigitPanels panels() {
        return new DigitPanels(
                out,
                in,
                VectorKernels.address(codes),
                VectorKernels.address(sizes),
                VectorKernels.address(scales),
                VectorKernels.address(rowSums),
                VectorKernels.address(columnSums),
                VectorKernels.address(ones));
    }

    /// All that products read, which stays as it is.
    public List<Tensor> memory() {
        return List.of(codes, sizes, scales, rowSums, columnSums, ones);
    }

    /// Writes the numbers of rows from one on.
    ///
    /// @param to float32 `(count, in)`, dense in a row
    public void decode(int first, Tensor to) {
        int count = Math.toIntExact(to.size(0));
        panels().decode(first, count, VectorKernels.rows(to), Engine.threads());
    }

    /// The second matrix of an adapter as [#multiply] reads it, in the current scope.
    ///
    /// @param columns `B`, float32 `(out, R)`
    public Tensor expanding(Tensor columns) {
        long wide = DigitPanels.wide(out);
        return columns.contiguous()
                .reshape(out / wide, wide, columns.size(1))
                .transpose(1, 2)
                .contiguous();
    }

    /// `x matrixᵀ`, plus what an adapter and a residual add, `(n, out)`.
    ///
    /// @param hx float32 `(n, in)`, or with what the adapter's second matrix is multiplied by
    ///     behind it, `(n, in + R)`; dense in a row
    /// @param expand what [#expanding] gave, or null: no adapter
    /// @param residual float32 `(n, out)`, or null: none
    public Tensor multiply(Tensor hx, Tensor expand, Tensor residual) {
        int rank = expand == null ? 0 : Math.toIntExact(expand.size(1));
        requireShape(hx, in + rank);
        DigitPanels.Update update =
                rank == 0
                        ? null
                        : new DigitPanels.Update(
                                VectorKernels.rows(hx.narrow(1, in, rank)),
                                rank,
                                VectorKernels.address(expand));
        return run(hx, update, residual, false);
    }

    /// `dy matrix`, `(n, in)`.
    ///
    /// @param dy float32 `(n, out)`, dense in a row
    public Tensor multiplyBack(Tensor dy) {
        requireShape(dy, out);
        return run(dy, null, null, true);
    }

    private void requireShape(Tensor x, int columns) {
        Engine.requireEngineThread();
        if (x.dim() != 2 || x.dtype() != DType.FLOAT32 || x.size(1) != columns) {
            throw new ShapeException("%s can't be multiplied by %s".formatted(x, this));
        }
    }

    private Tensor run(Tensor x, DigitPanels.Update update, Tensor residual, boolean back) {
        int n = Math.toIntExact(x.size(0));
        Tensor y = Tensor.empty(x.device(), DType.FLOAT32, n, back ? in : out);
        long products = (long) n * in * out;
        int threads = products < VectorKernels.PRODUCTS_WORTH_SHARING ? 1 : Engine.threads();
        DigitPanels panels = panels();
        VectorKernels.withMemory(
                back ? "attune::digits_backward" : "attune::digits",
                panels.workBytes(n, back, threads),
                work ->
                        panels.multiply(
                                n,
                                VectorKernels.rows(x),
                                back,
                                update,
                                residual == null ? null : VectorKernels.rows(residual),
                                VectorKernels.rows(y),
                                work,
                                threads));
        return y;
    }

    @Override
    public String toString() {
        return "weights of 8 bits (%d, %d)".formatted(out, in);
    }
}
