package org.attune.tensor;

import org.attune.error.ShapeException;

/// Where tensors lie. A call's tensors lie on one device, which its results lie on too. Numbers,
/// 0-dimensional tensors of the processor, may accompany those of any device. Copies alone go from
/// one device to another.
final class Placement {
    private static final String COPY = "aten::copy_";

    private Placement() {}

    /// The device of a call's tensors and results.
    ///
    /// @param tensors of the call; null where an argument is none
    /// @param count of arguments
    /// @throws ShapeException if they lie on several, as libtorch would refuse on a GPU
    static Device of(String operator, Tensor[] tensors, int count) {
        Device device = null;
        for (int i = 0; i < count; i++) {
            Tensor t = tensors[i];
            if (t == null || isNumber(t)) {
                continue;
            }
            if (device == null) {
                device = t.device;
            } else if (device != t.device && !device.equals(t.device) && !operator.equals(COPY)) {
                throw mixed(operator, tensors, count);
            }
        }
        return device == null ? Device.cpu() : device;
    }

    /// The device of a call that computes. What the call reads is sent there before ([Uploads]).
    static Device ready(String operator, Tensor[] tensors, int count) {
        return ready(of(operator, tensors, count));
    }

    /// The device, on which something is to be computed.
    static Device ready(Device device) {
        if (device.isGpu()) {
            Uploads.send();
        }
        return device;
    }

    /// The device of a call that has a list among its arguments.
    ///
    /// @param device of the other arguments; the processor, if there are none
    static Device with(Device device, String operator, Tensor[] list) {
        Device of = of(operator, list, list.length);
        if (device.isGpu() && list.length > 0 && !of.equals(device)) {
            throw mixed(operator, list, list.length);
        }
        return device.isGpu() ? device : of;
    }

    private static boolean isNumber(Tensor t) {
        return t.dim() == 0 && t.device == Device.cpu();
    }

    private static ShapeException mixed(String operator, Tensor[] tensors, int count) {
        var text = new StringBuilder(operator);
        text.append(" takes tensors of one device, got");
        for (int i = 0; i < count; i++) {
            if (tensors[i] != null) {
                text.append(' ').append(tensors[i]);
            }
        }
        return new ShapeException(text + "; copy them to one device first");
    }

    /// Where the first element of a processor's tensor is.
    ///
    /// @throws ShapeException if it is on another device
    static long address(Tensor x) {
        if (x.device.isGpu()) {
            throw new ShapeException(x + " has no memory that the processor can read");
        }
        return Libtorch.dataPointer(x.handle());
    }
}
