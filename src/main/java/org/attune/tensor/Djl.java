package org.attune.tensor;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;

import org.attune.error.ShapeException;

import java.util.function.Supplier;

/// DJL's own calls, for operators that take lists or scalars. Autograd sees them.
///
/// DJL's arrays here hang on its system manager, which tracks nothing: ownership stays with
/// [TensorScope].
final class Djl {
    private static final PtNDManager UNTRACKED =
            (PtNDManager) NDManager.newBaseManager("PyTorch").getParentManager();

    private Djl() {}

    /// A DJL array that borrows a handle.
    static PtNDArray borrow(long handle) {
        return new PtNDArray(UNTRACKED, handle);
    }

    static Tensor sum(Tensor x, long[] axes, boolean keep) {
        return result("sum", false, () -> JniUtils.sum(x.djl(), axes, keep), x);
    }

    static Tensor sum(Tensor x) {
        return result("sum", false, () -> JniUtils.sum(x.djl()), x);
    }

    static Tensor mean(Tensor x, long axis, boolean keep) {
        return result("mean", false, () -> JniUtils.mean(x.djl(), axis, keep), x);
    }

    static Tensor add(Tensor a, Tensor b) {
        return result("add", false, () -> JniUtils.add(a.djl(), b.djl()), a, b);
    }

    static Tensor sub(Tensor a, Tensor b) {
        return result("sub", false, () -> JniUtils.sub(a.djl(), b.djl()), a, b);
    }

    static void addInPlace(Tensor a, Tensor b) {
        guarded("add_", () -> JniUtils.addi(a.djl(), b.djl()), a, b);
    }

    static void subInPlace(Tensor a, Tensor b) {
        guarded("sub_", () -> JniUtils.subi(a.djl(), b.djl()), a, b);
    }

    static Tensor reshape(Tensor x, long... shape) {
        return result("reshape", true, () -> JniUtils.reshape(x.djl(), shape), x);
    }

    static Tensor permute(Tensor x, long... axes) {
        return result("permute", true, () -> JniUtils.permute(x.djl(), axes), x);
    }

    static Tensor broadcast(Tensor x, long... shape) {
        return result("expand", true, () -> JniUtils.broadcast(x.djl(), new Shape(shape)), x);
    }

    static Tensor cat(Tensor[] parts, long axis) {
        var arrays = new PtNDArray[parts.length];
        for (int i = 0; i < parts.length; i++) {
            arrays[i] = parts[i].djl();
        }
        return result("cat", false, () -> JniUtils.cat(arrays, axis), parts);
    }

    static Tensor greaterOrEqual(Tensor a, Tensor b) {
        return result("ge", false, () -> JniUtils.gte(a.djl(), b.djl()), a, b);
    }

    /// The gradient of a leaf, or null if it has none; to say so costs 32 bytes, which DJL's native
    /// side does not give back.
    static Tensor gradient(Tensor leaf) {
        PtNDArray gradient = JniUtils.getGradient(leaf.djl());
        if (gradient == null) {
            return null;
        }
        long handle = gradient.getHandle();
        return Tensor.adopt(handle, true);
    }

    static void backward(Tensor result, Tensor gradient) {
        Autograd.countPass();
        guarded(
                "backward",
                () -> JniUtils.backward(result.djl(), gradient.djl(), false, false),
                result,
                gradient);
    }

    private static Tensor result(
            String op, boolean view, Supplier<PtNDArray> call, Tensor... arguments) {
        Engine.requireEngineThread();
        long begun = OperatorTimes.begin();
        try {
            return Tensor.adopt(call.get().getHandle(), view);
        } catch (EngineException e) {
            throw refused(op, e, arguments);
        } finally {
            OperatorTimes.end("aten::" + op, begun);
        }
    }

    private static void guarded(String op, Runnable call, Tensor... arguments) {
        Engine.requireEngineThread();
        long begun = OperatorTimes.begin();
        try {
            call.run();
        } catch (EngineException e) {
            throw refused(op, e, arguments);
        } finally {
            OperatorTimes.end("aten::" + op, begun);
        }
    }

    private static ShapeException refused(String op, EngineException e, Tensor... arguments) {
        var text = new StringBuilder("aten::" + op + " refused its arguments:");
        for (Tensor t : arguments) {
            text.append(' ').append(t);
        }
        String reason = String.valueOf(e.getMessage());
        int line = reason.indexOf('\n');
        return new ShapeException(text + ": " + (line < 0 ? reason : reason.substring(0, line)), e);
    }
}
