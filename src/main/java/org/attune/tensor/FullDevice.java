package org.attune.tensor;

import org.attune.error.AttuneException;

/// Tells calls that failed for want of a GPU's memory from others.
final class FullDevice {
    private static final String SAID = "out of memory";

    /// A GPU with less than this part free is full, where libtorch doesn't say why it refused: it
    /// has given back what it kept before it gave up.
    private static final int FULL = 32;

    private FullDevice() {}

    /// What to throw for a call that libtorch refused.
    ///
    /// @param device it computed on
    /// @param refused with libtorch's reason, if it gave one
    static AttuneException instead(Device device, AttuneException refused) {
        if (!device.isGpu()) {
            return refused;
        }
        String message = refused.getMessage();
        boolean silent = Libtorch.reason().isEmpty() && !message.contains("CUDA error");
        if (message.contains(SAID) || silent && isFull(device)) {
            AttuneException full = DeviceBytes.full(device);
            full.initCause(refused);
            return full;
        }
        return refused;
    }

    private static boolean isFull(Device device) {
        return device.memory().filter(m -> m.free() < m.total() / FULL).isPresent();
    }
}
