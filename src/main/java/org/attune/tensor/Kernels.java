package org.attune.tensor;

import org.attune.error.ShapeException;

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
}
