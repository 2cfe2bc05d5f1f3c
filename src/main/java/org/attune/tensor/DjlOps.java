package org.attune.tensor;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;

import org.attune.error.ShapeException;

import java.util.function.Supplier;

/// DJL's own calls, for libtorch 2.7.1.
///
/// DJL's arrays here hang on its system manager, which notes every one of them by its address, and
/// never forgets: so each is taken out again. Ownership stays with [TensorScope].
final class DjlOps implements NativeOps {
    private final PtNDManager untracked =
            (PtNDManager) NDManager.newBaseManager("PyTorch").getParentManager();

    /// A DJL array that borrows a tensor's handle; a tensor keeps it.
    private PtNDArray array(Tensor x) {
        return x.djl(handle -> forgotten(new PtNDArray(untracked, handle)));
    }

    private PtNDArray forgotten(PtNDArray array) {
        untracked.detachInternal(array.getUid());
        return array;
    }

    /// How many arrays DJL's manager has noted.
    int noted() {
        return untracked.getManagedArrays().size();
    }

    @Override
    public Tensor sum(Tensor x, long[] axes, boolean keep) {
        return result("sum", false, () -> JniUtils.sum(array(x), axes, keep), x);
    }

    @Override
    public Tensor sum(Tensor x) {
        return result("sum", false, () -> JniUtils.sum(array(x)), x);
    }

    @Override
    public Tensor mean(Tensor x, long axis, boolean keep) {
        return result("mean", false, () -> JniUtils.mean(array(x), axis, keep), x);
    }

    @Override
    public Tensor add(Tensor a, Tensor b) {
        return result("add", false, () -> JniUtils.add(array(a), array(b)), a, b);
    }

    @Override
    public Tensor sub(Tensor a, Tensor b) {
        return result("sub", false, () -> JniUtils.sub(array(a), array(b)), a, b);
    }

    @Override
    public void addInPlace(Tensor a, Tensor b) {
        guarded("add_", () -> JniUtils.addi(array(a), array(b)), a, b);
    }

    @Override
    public void subInPlace(Tensor a, Tensor b) {
        guarded("sub_", () -> JniUtils.subi(array(a), array(b)), a, b);
    }

    @Override
    public Tensor reshape(Tensor x, long... shape) {
        return result("reshape", true, () -> JniUtils.reshape(array(x), shape), x);
    }

    @Override
    public Tensor permute(Tensor x, long... axes) {
        return result("permute", true, () -> JniUtils.permute(array(x), axes), x);
    }

    @Override
    public Tensor expand(Tensor x, long... shape) {
        return result("expand", true, () -> JniUtils.broadcast(array(x), new Shape(shape)), x);
    }

    @Override
    public Tensor cat(Tensor[] parts, long axis) {
        var arrays = new PtNDArray[parts.length];
        for (int i = 0; i < parts.length; i++) {
            arrays[i] = array(parts[i]);
        }
        return result("cat", false, () -> JniUtils.cat(arrays, axis), parts);
    }

    @Override
    public Tensor greaterOrEqual(Tensor a, Tensor b) {
        return result("ge", false, () -> JniUtils.gte(array(a), array(b)), a, b);
    }

    /// The gradient of a leaf, or null if it has none; to say so costs 32 bytes, which DJL's native
    /// side does not give back.
    @Override
    public Tensor gradient(Tensor leaf) {
        PtNDArray gradient = JniUtils.getGradient(array(leaf));
        if (gradient == null) {
            return null;
        }
        long handle = forgotten(gradient).getHandle();
        return Tensor.adopt(handle, true, leaf.device());
    }

    @Override
    public void backward(Tensor result, Tensor gradient) {
        Autograd.countPass();
        guarded(
                "backward",
                () -> JniUtils.backward(array(result), array(gradient), false, false),
                result,
                gradient);
    }

    @Override
    public int threads() {
        return JniUtils.getNumThreads();
    }

    @Override
    public void setThreads(int threads) {
        JniUtils.setNumThreads(threads);
    }

    private Tensor result(String op, boolean view, Supplier<PtNDArray> call, Tensor... arguments) {
        Engine.requireEngineThread();
        Device device = Placement.ready("aten::" + op, arguments, arguments.length);
        long begun = OperatorTimes.begin();
        try {
            Tensor result = Tensor.adopt(forgotten(call.get()).getHandle(), view, device);
            DeviceTraffic.called("aten::" + op, arguments[0], result, view);
            return result;
        } catch (EngineException e) {
            throw FullDevice.instead(
                    Placement.of(op, arguments, arguments.length), refused(op, e, arguments));
        } finally {
            OperatorTimes.end("aten::" + op, begun);
        }
    }

    private static void guarded(String op, Runnable call, Tensor... arguments) {
        Engine.requireEngineThread();
        Device device = Placement.ready("aten::" + op, arguments, arguments.length);
        long begun = OperatorTimes.begin();
        try {
            call.run();
            DeviceTraffic.called("aten::" + op, device, false);
        } catch (EngineException e) {
            throw FullDevice.instead(
                    Placement.of(op, arguments, arguments.length), refused(op, e, arguments));
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
