package org.attune.tensor;

import org.attune.error.ShapeException;
import org.attune.tensor.kernel.KernelDevice;
import org.attune.tensor.kernel.KernelSource;
import org.attune.tensor.kernel.KernelSource.Element;
import org.attune.tensor.kernel.KernelSource.Kind;
import org.attune.tensor.kernel.KernelSource.Parameter;
import org.attune.tensor.kernel.KernelSource.Signature;
import org.attune.tensor.kernel.Launch;

/// A launch of one of Attune's kernels for GPUs while it is put together. Arguments are compared
/// with the kernel's own parameters before anything is launched: a wrong one could end the process.
/// ```
/// new DeviceKernel("attune_swiglu").with(gateUp).with(out).with(width)… .launch(blocks, 256);
/// ```
final class DeviceKernel {
    private final Signature signature;
    private final long[] arguments;
    private final Tensor[] tensors;
    private int count;

    /// @throws IllegalArgumentException if there is no such kernel
    DeviceKernel(String name) {
        signature = KernelSource.attune().signature(name);
        arguments = new long[signature.parameters().size()];
        tensors = new Tensor[arguments.length];
    }

    private Parameter next(Kind kind) {
        if (count == arguments.length || signature.parameters().get(count).kind() != kind) {
            throw new IllegalStateException(
                    "argument %d of %s is no %s; its parameters are %s"
                            .formatted(count, signature.name(), kind, signature.parameters()));
        }
        return signature.parameters().get(count);
    }

    /// Passes a tensor's first number's place.
    DeviceKernel with(Tensor tensor) {
        Parameter parameter = next(Kind.POINTER);
        if (element(tensor.dtype()) != parameter.element().orElseThrow()) {
            throw new ShapeException(
                    "%s of %s points to %s, got %s"
                            .formatted(
                                    parameter.name(),
                                    signature.name(),
                                    parameter.element().get(),
                                    tensor));
        }
        tensors[count] = tensor;
        arguments[count++] = Libtorch.dataPointer(tensor.handle());
        return this;
    }

    private static Element element(DType dtype) {
        return switch (dtype) {
            case BFLOAT16 -> Element.BFLOAT16;
            case FLOAT32 -> Element.FLOAT32;
            case FLOAT64 -> Element.FLOAT64;
            case INT32 -> Element.INT32;
            case INT64 -> Element.INT64;
            default -> null;
        };
    }

    /// Passes a tensor's place, or none.
    DeviceKernel orNone(Tensor tensor) {
        if (tensor != null) {
            return with(tensor);
        }
        next(Kind.POINTER);
        arguments[count++] = 0;
        return this;
    }

    DeviceKernel with(int value) {
        next(Kind.INT);
        arguments[count++] = value;
        return this;
    }

    DeviceKernel with(long value) {
        next(Kind.LONG);
        arguments[count++] = value;
        return this;
    }

    DeviceKernel with(float value) {
        next(Kind.FLOAT);
        arguments[count++] = Float.floatToRawIntBits(value);
        return this;
    }

    /// Has it compute.
    ///
    /// @param blocks none: there is nothing to do
    /// @param threads of a block
    void launch(long blocks, int threads) {
        Engine.requireEngineThread();
        if (count != arguments.length) {
            throw new IllegalStateException(
                    "%s takes %d arguments, got %d"
                            .formatted(signature.name(), arguments.length, count));
        }
        if (blocks == 0) {
            return;
        }
        Device device = Placement.ready(signature.name(), tensors, count);
        var launch = new Launch(signature, Math.toIntExact(blocks), threads, arguments);
        KernelDevice kernels =
                device.kernels()
                        .orElseThrow(
                                () ->
                                        new ShapeException(
                                                signature.name() + " has no kernel on " + device));
        Capture capture = Capture.of(tensors, count);
        if (capture != null) {
            capture.hold(tensors, count);
            if (capture.notes(() -> kernels.launch(launch))) {
                return;
            }
        }
        long begun = OperatorTimes.begin();
        kernels.launch(launch);
        OperatorTimes.end(signature.name(), begun);
        DeviceTraffic.called(signature.name(), device, false);
    }
}
