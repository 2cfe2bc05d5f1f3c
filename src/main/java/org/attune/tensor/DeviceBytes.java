package org.attune.tensor;

import org.attune.error.DeviceMemoryException;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/// Bytes of this process's tensors on each GPU. The simulated one is full at
/// `-Dattune.simulated.memory` bytes, as a real one would be. On the engine thread.
final class DeviceBytes {
    /// How many bytes the simulated GPU has.
    private static final String SIMULATED_MEMORY = "attune.simulated.memory";

    private static final long SIMULATED_USUAL = 16L << 30;

    private static final Map<Device, DeviceBytes> ALL = new HashMap<>();

    private long live;
    private long peak;

    private DeviceBytes() {}

    /// Counts a new tensor.
    ///
    /// @throws DeviceMemoryException if the simulated GPU has no place for it
    static void added(Device device, long bytes) {
        if (!device.isGpu() || bytes == 0) {
            return;
        }
        DeviceBytes there = ALL.computeIfAbsent(device, _ -> new DeviceBytes());
        if (device.type() == Device.Type.SIMULATED && there.live + bytes > simulatedTotal()) {
            throw full(device);
        }
        there.live += bytes;
        there.peak = Math.max(there.peak, there.live);
    }

    /// Counts a tensor that is freed.
    static void removed(Device device, long bytes) {
        if (device.isGpu() && bytes > 0) {
            ALL.get(device).live -= bytes;
        }
    }

    /// Bytes that are alive on a GPU.
    static long live(Device device) {
        DeviceBytes there = ALL.get(device);
        return there == null ? 0 : there.live;
    }

    /// The most bytes that were alive on each GPU since [#resetPeaks].
    static Map<String, Long> peaks() {
        Map<String, Long> peaks = new TreeMap<>();
        ALL.forEach((device, there) -> peaks.put(device.toString(), there.peak));
        peaks.values().removeIf(peak -> peak == 0);
        return peaks;
    }

    static void resetPeaks() {
        ALL.values().forEach(there -> there.peak = there.live);
    }

    /// Bytes of the simulated GPU, as the property says now.
    static long simulatedTotal() {
        return Long.getLong(SIMULATED_MEMORY, SIMULATED_USUAL);
    }

    /// The error of a GPU that is full.
    static DeviceMemoryException full(Device device) {
        return new DeviceMemoryException(
                device.toString(),
                device.memory().map(DeviceMemory::toString).orElse("its state is unknown"));
    }
}
