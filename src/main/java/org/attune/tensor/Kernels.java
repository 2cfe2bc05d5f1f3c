package org.attune.tensor;

import org.attune.error.ShapeException;
import org.attune.tensor.vector.CodedRows;

/// Operators that write into memory that is already there, for hand-written passes: nothing is
/// allocated, autograd isn't involved. `out` may be any view of the right shape.
public final class Kernels {
    private Kernels() {}

    /// `out = a b`.
    public static void mm(Tensor a, Tensor b, Tensor out) {
        Operators.MM_OUT.with(TileDepths.readable(a)).with(b).with(out).callOut();
    }

    /// `out = beta out + alpha a b`.
    public static void addmm(Tensor out, Tensor a, Tensor b, double beta, double alpha) {
        Engine.requireEngineThread();
        Capture.refuse(out.device, "aten::addmm.out", "its call isn't noted; use mm");
        Device device = Placement.ready("aten::addmm.out", new Tensor[] {out, a, b}, 3);
        long begun = OperatorTimes.begin();
        int rc =
                Libtorch.addmmOut(
                        out.handle(),
                        out.handle(),
                        TileDepths.readable(a).handle(),
                        b.handle(),
                        (float) beta,
                        (float) alpha);
        OperatorTimes.end("aten::addmm.out", begun);
        if (rc != 0) {
            throw new ShapeException(
                    "aten::addmm.out refused its arguments: out %s, a %s, b %s"
                            .formatted(out, a, b));
        }
        DeviceTraffic.called("aten::addmm.out", device, false);
    }

    /// Batched `out = a b`.
    public static void bmm(Tensor a, Tensor b, Tensor out) {
        Operators.BMM_OUT.with(TileDepths.readable(a)).with(b).with(out).callOut();
    }

    /// `out = a · b`, element by element.
    public static void mul(Tensor a, Tensor b, Tensor out) {
        Operators.MUL_OUT.with(a).with(b).with(out).callOut();
    }

    /// `out = silu(x)`.
    public static void silu(Tensor x, Tensor out) {
        Operators.SILU_OUT.with(x).with(out).callOut();
    }

    /// `out = gradient · silu'(x)`.
    public static void siluBackward(Tensor gradient, Tensor x, Tensor out) {
        Operators.SILU_BACKWARD_OUT.with(gradient).with(x).with(out).callOut();
    }

    /// `softmax(scale q kᵀ) v` of each head, `(b, H, n, K)`, each query among all keys, in one
    /// operator that keeps no scores where a processor computes it. Autograd records it.
    public static Tensor attention(Tensor q, Tensor k, Tensor v, double scale) {
        return Operators.ATTENTION
                .with(q)
                .with(k)
                .with(v)
                .none()
                .with(0.0)
                .with(false)
                .with(scale)
                .with(false)
                .call();
    }

    /// `out = softmax(x)` along the last axis; `out` may be `x`.
    public static void softmax(Tensor x, Tensor out) {
        Operators.SOFTMAX_OUT.with(x).with(-1L).with(false).with(out).callOut();
    }

    /// `x = exp(x)`.
    public static void expInPlace(Tensor x) {
        Operators.EXP_.with(x).call();
    }

    /// `out = rows of table`.
    public static void indexSelect(Tensor table, Tensor index, Tensor out) {
        Operators.INDEX_SELECT_OUT.with(table).with(0L).with(index).with(out).callOut();
    }

    /// `out[index[i]] = rows[i]`.
    public static void indexCopy(Tensor out, Tensor index, Tensor rows) {
        Operators.INDEX_COPY_.with(out).with(0L).with(index).with(rows).call();
    }

    /// Whether [#coded] multiplies by a matrix in few bits.
    ///
    /// @param more columns of an adapter behind those of the matrix
    public static boolean servesCoded(DType dtype, int out, int in, int more) {
        boolean half = dtype == DType.BFLOAT16;
        return VectorKernels.serve(Device.cpu(), dtype)
                && (half ? VectorKernels.hasTiles(dtype) : CodedFloats.AVAILABLE)
                && CodedRows.Stack.serves(half, out, in, more);
    }

    /// Asked for at the first use, when libtorch is loaded.
    private static final class CodedFloats {
        static final boolean AVAILABLE =
                Engine.hasFloatProducts() && !"off".equals(System.getProperty("attune.tiles"));
    }

    /// Bytes that [#coded] works in.
    ///
    /// @param n rows
    /// @param more as in [#servesCoded]
    public static long codedBytes(
            CodedRows.Stack matrix, DType dtype, boolean back, int n, int more) {
        return matrix.workBytes(dtype == DType.BFLOAT16, back, n, more, Engine.threads());
    }

    /// `y = x matrixᵀ`, plus an adapter's part and a residual, or `y = x matrix` on the way back,
    /// where [#servesCoded].
    ///
    /// @param x `(n, in + R)`, or `(n, out)` on the way back
    /// @param back which of both
    /// @param columns of an adapter, `(out, R)`, or null: none
    /// @param residual of the result's shape, or null: none
    /// @param y written, `(n, out)`, or `(n, in)` on the way back
    /// @param memory of [#codedBytes]
    public static void coded(
            CodedRows.Stack matrix,
            Tensor x,
            boolean back,
            Tensor columns,
            Tensor residual,
            Tensor y,
            Tensor memory) {
        Engine.requireEngineThread();
        long begun = OperatorTimes.begin();
        matrix.multiply(
                back,
                Math.toIntExact(x.size(0)),
                VectorKernels.rows(x.strides()[1] == 1 ? x : x.contiguous()),
                columns == null
                        ? null
                        : new CodedRows.Plain(columns.memory(), Math.toIntExact(columns.size(1))),
                residual == null ? null : VectorKernels.rows(residual),
                VectorKernels.rows(y),
                VectorKernels.address(memory),
                Engine.threads());
        OperatorTimes.end(back ? "attune::coded_backward" : "attune::coded", begun);
    }
}
