package org.attune.model.layer;

import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.VectorKernels;

import java.util.function.Supplier;

/// The gated activation of a feed-forward block, `silu(gate) · up`
/// ([Shazeer 2020, Eq. 6](https://arxiv.org/abs/2002.05202)): in a kernel of our own or in
/// operators, which need memory for `silu(gate)`. `N` rows, `F` inner width.
final class Swiglu {
    private Swiglu() {}

    /// @param gateUp `(N, 2F)`
    /// @param memory for the activated gates, `(N, F)`
    /// @param out its first `F` columns are written, `(N, F + …)`
    static void forward(Tensor gateUp, Supplier<Tensor> memory, Tensor out) {
        if (hasKernel(gateUp)) {
            VectorKernels.swiglu(false, gateUp, out);
            return;
        }
        if (hasDeviceKernel(gateUp)) {
            forwardOnDevice(gateUp, out);
            return;
        }
        long inner = gateUp.size(1) / 2;
        Tensor silu = memory.get();
        Kernels.silu(gateUp.narrow(1, 0, inner), silu);
        Kernels.mul(silu, gateUp.narrow(1, inner, inner), out.narrow(1, 0, inner));
    }

    /// Leaves the gradient of gate and up in their place.
    ///
    /// @param dOut gradient of what [#forward] wrote, `(N, F)`
    /// @param gateUp `(N, 2F)`, changed
    /// @param silu memory that [#forward] was given, with what it left there
    /// @param spare its first `F` columns are overwritten, `(N, F + …)`
    static void backward(Tensor dOut, Tensor gateUp, Supplier<Tensor> silu, Tensor spare) {
        if (hasKernel(gateUp)) {
            VectorKernels.swigluBackward(false, dOut, gateUp);
            return;
        }
        if (hasDeviceKernel(gateUp)) {
            boolean asItIs = DeviceKernels.serve(Math.toIntExact(gateUp.size(1) / 2), dOut);
            DeviceKernels.swigluBackward(asItIs ? dOut : dOut.contiguous(), gateUp);
            return;
        }
        long inner = gateUp.size(1) / 2;
        Tensor gate = gateUp.narrow(1, 0, inner); // (N, F)
        Tensor up = gateUp.narrow(1, inner, inner); // (N, F)
        Tensor dSilu = spare.narrow(1, 0, inner); // (N, F)
        Kernels.mul(dOut, up, dSilu);
        Kernels.mul(dOut, silu.get(), up); // from here on it is the gradient that stands there
        Kernels.siluBackward(dSilu, gate, gate);
    }

    private static void forwardOnDevice(Tensor gateUp, Tensor out) {
        int inner = Math.toIntExact(gateUp.size(1) / 2);
        if (DeviceKernels.serve(inner, out)) {
            DeviceKernels.swiglu(gateUp, out);
            return;
        }
        Tensor opened = Tensor.empty(out.device(), out.dtype(), out.size(0), inner);
        DeviceKernels.swiglu(gateUp, opened);
        out.narrow(1, 0, inner).copyInPlace(opened);
    }

    /// Whether a kernel serves, by the gates alone: a backward pass needs what the forward pass of
    /// operators leaves.
    private static boolean hasDeviceKernel(Tensor gateUp) {
        return DeviceKernels.serve(Math.toIntExact(gateUp.size(1) / 2), gateUp);
    }

    private static boolean hasKernel(Tensor gateUp) {
        int inner = Math.toIntExact(gateUp.size(1) / 2);
        return VectorKernels.serve(gateUp.device(), gateUp.dtype(), inner);
    }
}
