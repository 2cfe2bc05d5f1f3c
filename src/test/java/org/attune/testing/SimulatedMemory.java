package org.attune.testing;

import org.attune.files.MemorySize;
import org.attune.tensor.DeviceMemory;
import org.attune.tensor.Engine;

/// Gives the simulated GPU little memory for a while.
/// ```
/// try (var _ = SimulatedMemory.beside("3MiB")) { … }
/// ```
public final class SimulatedMemory implements AutoCloseable {
    private final SystemProperty property;

    private SimulatedMemory(long bytes) {
        property = SystemProperty.set("attune.simulated.memory", Long.toString(bytes));
    }

    /// As much as other tests left there, and so much.
    public static SimulatedMemory beside(String size) {
        long live =
                Engine.call(() -> Devices.simulated().memory().map(DeviceMemory::live).orElse(0L));
        return new SimulatedMemory(live + MemorySize.parse(size).bytes());
    }

    @Override
    public void close() {
        property.close();
    }
}
