package org.attune.tensor;

import org.attune.error.DeviceMemoryException;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/// Bytes of this process's tensors on each GPU. On the engine thread.
final class DeviceBytes {
    private static final Map<Device, DeviceBytes> ALL = new HashMap<>();

    private long live;
    private long peak;

    private DeviceBytes() {}

    /// Counts a new tensor.
    ///
    /// @throws DeviceMemoryException if the GPU's kind says that there is no place for it
    static void added(Device device, long bytes) {
        if (!device.isGpu() || bytes == 0) {
            return;
        }
        DeviceBytes there = ALL.computeIfAbsent(device, _ -> new DeviceBytes());
        if (bytes > device.kind().limit(device.index()) - there.live) {
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

    /// The error of a GPU that is full.
    static DeviceMemoryException full(Device device) {
        return new DeviceMemoryException(
                device.toString(),
                device.memory().map(DeviceMemory::toString).orElse("its state is unknown"));
    }
}
