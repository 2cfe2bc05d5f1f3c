package org.attune.tensor;

import ai.djl.pytorch.engine.PtNDArray;

import org.attune.error.ShapeException;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.LongFunction;

/// The life of a [Tensor] and what it is: native handle, owner, shape, dtype and device.
abstract sealed class NativeTensor implements AutoCloseable permits Tensor {
    private long handle;
    final long[] shape;
    final DType dtype;
    final Device device;
    private final long ownedBytes;
    private TensorScope scope;
    private int slot;
    private PtNDArray djl;

    NativeTensor(long handle, boolean view, Device device) {
        this.handle = handle;
        shape = Libtorch.sizes(handle, Libtorch.dim(handle));
        dtype = DType.ofScalarType(Libtorch.scalarType(handle));
        this.device = device;
        ownedBytes = view ? 0 : size() * dtype.bytes();
    }

    /// A handle to uninitialised memory.
    static long allocate(Device device, DType dtype, long... shape) {
        Capture.refuse(device, "new memory", "a graph's must be there before");
        try {
            return Libtorch.empty(
                    shape, dtype.scalarType(), device.kind().number(), device.index());
        } catch (IllegalStateException e) {
            var refused = new ShapeException("empty " + dtype + Arrays.toString(shape) + ": " + e);
            throw FullDevice.instead(device, refused);
        }
    }

    /// Sizes, outermost first. Do not modify.
    public long[] shape() {
        return shape;
    }

    /// Size along `axis`; negative axes count from the end.
    public long size(int axis) {
        return shape[axis < 0 ? axis + shape.length : axis];
    }

    /// Number of elements.
    public long size() {
        return count(shape);
    }

    public int dim() {
        return shape.length;
    }

    public DType dtype() {
        return dtype;
    }

    public Device device() {
        return device;
    }

    long[] strides() {
        return Libtorch.strides(handle(), shape.length);
    }

    /// Elements from one index of `axis` to the next.
    public long stride(int axis) {
        return strides()[axis < 0 ? axis + shape.length : axis];
    }

    /// Whether the tensor's elements lie one behind the other, row-major.
    public final boolean isDense() {
        long expected = 1;
        long[] strides = strides();
        for (int i = shape.length - 1; i >= 0; i--) {
            if (shape[i] != 1 && strides[i] != expected) {
                return false;
            }
            expected *= shape[i];
        }
        return true;
    }

    /// The elements of a contiguous CPU tensor, in place. Valid while the tensor lives.
    ///
    /// @throws ShapeException if the tensor is on another device or not contiguous
    public MemorySegment memory() {
        if (!device.equals(Device.cpu()) || !isDense()) {
            throw new ShapeException(this + " has no contiguous memory on the CPU");
        }
        return Libtorch.memory(Libtorch.dataPointer(handle()), size() * dtype.bytes());
    }

    /// This tensor as DJL sees it, made at the first use.
    PtNDArray djl(LongFunction<PtNDArray> borrow) {
        if (djl == null) {
            djl = borrow.apply(handle());
        }
        return djl;
    }

    /// Frees this tensor before its scope ends. Closing twice does nothing.
    @Override
    public void close() {
        if (handle != 0) {
            Engine.requireEngineThread();
            scope.remove((Tensor) this);
            TensorScope.release((Tensor) this);
        }
    }

    long handle() {
        if (handle == 0) {
            throw new IllegalStateException(
                    "tensor %s %s is closed; its owner was %s"
                            .formatted(dtype, Arrays.toString(shape), scope));
        }
        return handle;
    }

    void free() {
        long h = handle;
        handle = 0;
        djl = null;
        Libtorch.delete(h);
    }

    void place(TensorScope owner, int index) {
        scope = owner;
        slot = index;
    }

    TensorScope scope() {
        return scope;
    }

    int slot() {
        return slot;
    }

    long ownedBytes() {
        return ownedBytes;
    }

    static long count(long[] shape) {
        long n = 1;
        for (long d : shape) {
            n *= d;
        }
        return n;
    }

    @Override
    public String toString() {
        return dtype + Arrays.toString(shape) + (device.equals(Device.cpu()) ? "" : "@" + device);
    }
}
