package org.attune.tensor;

import org.attune.error.ShapeException;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// A tensor of libtorch, owned by a [TensorScope]. Operators record autograd where grad mode is on
/// (off by default, see [Autograd]); those ending in `InPlace` change the tensor. Only the engine
/// thread may touch tensors. Failures are [ShapeException]s that name operator, shapes and dtypes.
public final class Tensor extends NativeTensor {
    /// The last axis.
    public static final int LAST = -1;

    private Tensor(long handle, boolean view, Device device) {
        super(handle, view, device);
    }

    /// Takes over a native handle into the current scope.
    ///
    /// @param device that it lives on: libtorch doesn't tell all kinds from the processor
    static Tensor adopt(long handle, boolean view, Device device) {
        TensorScope scope;
        Tensor tensor;
        try {
            scope = TensorScope.currentOrThrow();
            tensor = new Tensor(handle, view, device);
            scope.requireUnsealed();
            DeviceBytes.added(device, tensor.ownedBytes());
            scope.add(tensor);
        } catch (RuntimeException e) {
            Libtorch.delete(handle);
            throw e;
        }
        TensorScope.created(tensor.ownedBytes());
        return tensor;
    }

    // ---- creation ----

    /// Uninitialised memory.
    public static Tensor empty(Device device, DType dtype, long... shape) {
        Engine.requireEngineThread();
        return adopt(NativeTensor.allocate(device, dtype, shape), false, device);
    }

    /// A tensor of zeros.
    public static Tensor zeros(Device device, DType dtype, long... shape) {
        return empty(device, dtype, shape).zeroInPlace();
    }

    /// A tensor whose elements are all one value.
    public static Tensor full(Device device, DType dtype, double value, long... shape) {
        return empty(device, dtype, shape).fillInPlace(value);
    }

    /// Values from the host, row-major.
    public static Tensor of(Device device, float[] values, long... shape) {
        return ofMemory(device, DType.FLOAT32, MemorySegment.ofArray(values), shape);
    }

    /// Values from the host, row-major.
    public static Tensor of(Device device, double[] values, long... shape) {
        return ofMemory(device, DType.FLOAT64, MemorySegment.ofArray(values), shape);
    }

    /// Values from the host, row-major.
    public static Tensor of(Device device, long[] values, long... shape) {
        return ofMemory(device, DType.INT64, MemorySegment.ofArray(values), shape);
    }

    /// Values from the host as int64 (the type of indexes), row-major.
    public static Tensor ofInts(Device device, int[] values, long... shape) {
        return of(device, Arrays.stream(values).asLongStream().toArray(), shape);
    }

    /// Copies raw little-endian elements.
    ///
    /// @throws ShapeException if the memory's size isn't that of the shape
    public static Tensor ofMemory(Device device, DType dtype, MemorySegment data, long... shape) {
        long bytes = count(shape) * dtype.bytes();
        if (data.byteSize() != bytes) {
            throw new ShapeException(
                    "a %s tensor of shape %s takes %d bytes, got %d"
                            .formatted(dtype, Arrays.toString(shape), bytes, data.byteSize()));
        }
        if (Uploads.takes(device, bytes)) {
            return Uploads.gather(device, dtype, data, shape);
        }
        Tensor host = empty(Device.cpu(), dtype, shape);
        if (bytes > 0) {
            MemorySegment.copy(data, 0, host.memory(), 0, bytes);
        }
        return device.equals(Device.cpu()) ? host : empty(device, dtype, shape).copyInPlace(host);
    }

    // ---- to the host ----

    private MemorySegment hostMemory(DType as) {
        Tensor x = this;
        if (!device.equals(Device.cpu())) {
            x = empty(Device.cpu(), dtype, shape).copyInPlace(x);
        }
        return x.to(as).contiguous().memory();
    }

    /// All elements as float, row-major.
    public float[] toFloats() {
        try (var _ = TensorScope.open("toFloats")) {
            return hostMemory(DType.FLOAT32).toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    /// All elements as double, row-major.
    public double[] toDoubles() {
        try (var _ = TensorScope.open("toDoubles")) {
            return hostMemory(DType.FLOAT64).toArray(ValueLayout.JAVA_DOUBLE);
        }
    }

    /// All elements as long, row-major.
    public long[] toLongs() {
        try (var _ = TensorScope.open("toLongs")) {
            return hostMemory(DType.INT64).toArray(ValueLayout.JAVA_LONG);
        }
    }

    /// The only element.
    public double item() {
        if (size() != 1) {
            throw new ShapeException("item() needs one element, " + this + " has " + size());
        }
        return toDoubles()[0];
    }

    // ---- autograd ----

    /// Makes this leaf collect gradients (or not).
    public Tensor requireGradient(boolean required) {
        Operators.REQUIRES_GRAD.with(this).with(required).call();
        return this;
    }

    /// The values outside the graph; shares memory.
    public Tensor detach() {
        return Operators.DETACH.with(this).call();
    }

    /// What this leaf has collected, or null if nothing yet. Shares memory with the leaf's
    /// gradient.
    public Tensor gradient() {
        return Engine.ops().gradient(this);
    }

    /// Adds the gradient of this scalar to all leaves it depends on.
    public void backward() {
        try (var _ = TensorScope.open("backward")) {
            backward(full(device, dtype, 1.0, shape));
        }
    }

    /// Adds the gradient of `sum(this · weights)` to all leaves it depends on.
    public void backward(Tensor weights) {
        Engine.ops().backward(this, weights);
    }

    // ---- views ----

    /// `length` elements of `axis` from `start`; shares memory.
    public Tensor narrow(int axis, long start, long length) {
        return Views.narrow(this, axis, start, length);
    }

    /// One index of `axis`, which disappears; shares memory.
    public Tensor select(int axis, long index) {
        return Operators.SELECT.with(this).with((long) axis).with(index).call();
    }

    /// Two axes swapped; shares memory.
    public Tensor transpose(int a, int b) {
        return Views.transposed(this, a, b);
    }

    /// A matrix transposed; shares memory.
    public Tensor t() {
        return transpose(-2, LAST);
    }

    /// A new axis of size 1; shares memory.
    public Tensor unsqueeze(int axis) {
        return Operators.UNSQUEEZE.with(this).with((long) axis).call();
    }

    /// Other sizes, same order of elements; shares memory where possible.
    public Tensor reshape(long... sizes) {
        return Engine.ops().reshape(this, sizes);
    }

    /// Axes in another order; shares memory.
    public Tensor permute(long... axes) {
        return Engine.ops().permute(this, axes);
    }

    /// Repeats axes of size 1 without copying.
    public Tensor expand(long... sizes) {
        return Engine.ops().expand(this, sizes);
    }

    /// This tensor if contiguous, else a copy that is.
    public Tensor contiguous() {
        return isDense() ? this : Operators.CLONE.with(this).with(0L).call();
    }

    /// Any view of the same memory, in elements. Autograd doesn't see it: for hand-written passes.
    ///
    /// @param offset of the view's first element from this tensor's first
    public Tensor viewAs(long[] sizes, long[] strides, long offset) {
        Engine.requireEngineThread();
        return adopt(Libtorch.reinterpret(handle(), sizes, strides, offset), true, device);
    }

    // ---- casts and copies ----

    /// Converts to another dtype; autograd goes through.
    public Tensor to(DType type) {
        return type == dtype
                ? this
                : Operators.TO_DTYPE
                        .with(this)
                        .with((long) type.scalarType())
                        .with(false)
                        .with(false)
                        .none()
                        .call();
    }

    /// A contiguous copy.
    public Tensor copy() {
        return Operators.CLONE.with(this).with(0L).call();
    }

    /// Overwrites this with `source`, cast and broadcast as needed.
    public Tensor copyInPlace(Tensor source) {
        Placement.ready(source.device); // the call itself looks at where it copies to
        Operators.COPY.with(this).with(source).with(false).call();
        DeviceTraffic.copied(source, this);
        LaterNumbers.copied(source.device, device);
        return this;
    }

    public Tensor zeroInPlace() {
        Engine.requireEngineThread();
        Capture.refuse(device, "aten::zero_", "its call isn't noted; use a copy of zeros");
        Placement.ready(device);
        Libtorch.zeroInPlace(handle());
        DeviceTraffic.called("aten::zero_", device, false);
        return this;
    }

    public Tensor fillInPlace(double value) {
        try (var _ = TensorScope.open("fill")) {
            Elements.fill(this, scalar(value));
        }
        return this;
    }

    /// A 0-dimensional float64 tensor, which doesn't change the dtype of what it meets.
    static Tensor scalar(double value) {
        Engine.requireEngineThread();
        return adopt(Libtorch.scalar(value), false, Device.cpu());
    }

    // ---- arithmetic ----

    public Tensor add(Tensor other) {
        return Engine.ops().add(this, other);
    }

    public Tensor sub(Tensor other) {
        return Engine.ops().sub(this, other);
    }

    public Tensor add(double value) {
        return Engine.ops().add(this, scalar(value));
    }

    public Tensor mul(Tensor other) {
        return Operators.MUL.with(this).with(other).call();
    }

    public Tensor mul(double value) {
        return mul(scalar(value));
    }

    public Tensor div(Tensor other) {
        return Operators.DIV.with(this).with(other).call();
    }

    public Tensor neg() {
        return Operators.NEG.with(this).call();
    }

    public Tensor addInPlace(Tensor other) {
        Engine.ops().addInPlace(this, other);
        return this;
    }

    public Tensor subInPlace(Tensor other) {
        Engine.ops().subInPlace(this, other);
        return this;
    }

    public Tensor mulInPlace(Tensor other) {
        return Operators.MUL_.with(this).with(other).call();
    }

    public Tensor mulInPlace(double value) {
        try (var _ = TensorScope.open("mul_")) {
            return mulInPlace(scalar(value));
        }
    }

    public Tensor exp() {
        return Operators.EXP.with(this).call();
    }

    public Tensor log() {
        return Operators.LOG.with(this).call();
    }

    /// log(1 + x), exact near 0.
    public Tensor log1p() {
        return Operators.LOG1P.with(this).call();
    }

    public Tensor rsqrt() {
        return Operators.RSQRT.with(this).call();
    }

    public Tensor sqrt() {
        return Operators.SQRT.with(this).call();
    }

    public Tensor square() {
        return mul(this);
    }

    public Tensor silu() {
        return Operators.SILU.with(this).call();
    }

    public Tensor sigmoid() {
        return Operators.SIGMOID.with(this).call();
    }

    /// log σ(x), without overflow.
    public Tensor logSigmoid() {
        return Operators.LOG_SIGMOID.with(this).call();
    }

    public Tensor tanh() {
        return Operators.TANH.with(this).call();
    }

    /// The error function.
    public Tensor erf() {
        return Operators.ERF.with(this).call();
    }

    public Tensor relu() {
        return Operators.RELU.with(this).call();
    }

    // ---- reductions ----

    public Tensor sum() {
        return Engine.ops().sum(this);
    }

    public Tensor sum(int axis, boolean keepAxis) {
        return Engine.ops().sum(this, new long[] {axis}, keepAxis);
    }

    public Tensor mean() {
        return sum().mul(1.0 / size());
    }

    public Tensor mean(int axis, boolean keepAxis) {
        return Engine.ops().mean(this, axis, keepAxis);
    }

    public Tensor softmax(int axis) {
        return Operators.SOFTMAX.with(this).with((long) axis).with(false).call();
    }

    /// `x = softmax(x)` along the last axis.
    public Tensor softmaxInPlace() {
        Kernels.softmax(this, this);
        return this;
    }

    /// Takes `this`, the gradient of `softmax(x)` along the last axis, to the gradient of `x`.
    ///
    /// @param probabilities `softmax(x)`
    public Tensor softmaxBackward(Tensor probabilities) {
        return Operators.SOFTMAX_BACKWARD
                .with(this)
                .with(probabilities)
                .with(-1L)
                .with((long) dtype.scalarType())
                .call();
    }

    public Tensor logSoftmax(int axis) {
        return Operators.LOG_SOFTMAX.with(this).with((long) axis).with(false).call();
    }

    /// Running sums along `axis`.
    public Tensor cumSum(int axis) {
        return Operators.CUMSUM.with(this).with((long) axis).none().call();
    }

    /// Index of the first element along `axis` that is greater than `bound`, which is broadcast; 0
    /// where none is.
    public Tensor firstAbove(Tensor bound, int axis) {
        return Operators.GREATER.with(this).with(bound).call().to(DType.FLOAT32).argmax(axis);
    }

    /// Index of the largest element along `axis`, the first of equal ones.
    public Tensor argmax(int axis) {
        return Operators.ARGMAX.with(this).with((long) axis).with(false).call();
    }

    /// Values and indexes of the `k` largest along the last axis, descending.
    public Tensor[] topK(long k) {
        return Operators.TOPK.with(this).with(k).with(-1L).with(true).with(true).callMany();
    }

    // ---- products and indexing ----

    /// `(n, k) · (k, m)`.
    public Tensor mm(Tensor other) {
        return Operators.MM.with(TileDepths.readable(this)).with(other).call();
    }

    /// Batched `(b, n, k) · (b, k, m)`.
    public Tensor bmm(Tensor other) {
        return Operators.BMM.with(TileDepths.readable(this)).with(other).call();
    }

    /// The inverse of each matrix, `(b, n, n)`.
    public Tensor inverse() {
        return Operators.INVERSE.with(this).call();
    }

    /// `U (n, k)`, `S (k)` descending and `V (m, k)` of `U diag(S) Vᵀ`, with `k = min(n, m)`.
    public Tensor[] svd() {
        return Operators.SVD.with(this).with(true).with(true).callMany();
    }

    /// `Q (n, k)` and `R (k, m)` of the product `Q R`, with `k = min(n, m)`.
    public Tensor[] qr() {
        return Operators.QR.with(this).with(true).callMany();
    }

    /// `x Wᵀ` for weights `(out, in)`.
    public Tensor linear(Tensor weight) {
        return Operators.LINEAR.with(TileDepths.readable(this)).with(weight).none().call();
    }

    /// Rows (or slices of `axis`) by index.
    public Tensor indexSelect(int axis, Tensor index) {
        return Operators.INDEX_SELECT.with(this).with((long) axis).with(index).call();
    }

    /// One element per position of `index` along `axis`.
    public Tensor gather(int axis, Tensor index) {
        return Operators.GATHER.with(this).with((long) axis).with(index).with(false).call();
    }

    /// Adds `source` into the slices of `axis` that `index` names.
    public Tensor scatterAddInPlace(int axis, Tensor index, Tensor source) {
        return Operators.SCATTER_ADD.with(this).with((long) axis).with(index).with(source).call();
    }

    /// Overwrites the elements along `axis` that `index` names with those of `source`, of the same
    /// shape as `index`.
    public Tensor scatterInPlace(int axis, Tensor index, Tensor source) {
        return Operators.SCATTER_.with(this).with((long) axis).with(index).with(source).call();
    }

    public Tensor where(Tensor condition, Tensor otherwise) {
        return Operators.WHERE.with(condition).with(this).with(otherwise).call();
    }

    public static Tensor cat(int axis, Tensor... parts) {
        return Engine.ops().cat(parts, axis);
    }
}
