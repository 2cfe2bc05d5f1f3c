package org.attune.testing;

import org.attune.files.MemorySize;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceMemory;
import org.attune.tensor.Engine;

/// Gives the simulated GPU little memory for a while.
/// ```
/// try (var _ = SimulatedMemory.beside("3MiB")) { … }
/// ```
public final class SimulatedMemory implements AutoCloseable {
    private static final String PROPERTY = "attune.simulated.memory";

    private final String before = System.getProperty(PROPERTY);

    private SimulatedMemory(long bytes) {
        System.setProperty(PROPERTY, Long.toString(bytes));
    }

    /// As much as other tests left there, and so much.
    public static SimulatedMemory beside(String size) {
        long live =
                Engine.call(() -> Device.simulated().memory().map(DeviceMemory::live).orElse(0L));
        return new SimulatedMemory(live + MemorySize.parse(size).bytes());
    }

    @Override
    public void close() {
        if (before == null) {
            System.clearProperty(PROPERTY);
        } else {
            System.setProperty(PROPERTY, before);
        }
    }
}
