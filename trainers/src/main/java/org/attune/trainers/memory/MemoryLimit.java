package org.attune.trainers.memory;

import org.attune.files.MemorySize;
import org.attune.models.AvailableMemory;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceMemory;
import org.attune.trainers.loop.ProcessMemory;

import java.util.Locale;
import java.util.Optional;

/// Memory that training may take beside what the process has now.
///
/// @param bytes that may be used by an estimate, which can be wrong by some percent
/// @param asked `max_memory`, if that is the limit
/// @param left bytes up to the limit
record MemoryLimit(long bytes, Optional<MemorySize> asked, long left) {
    /// Part of `max_memory` that is planned for.
    private static final double SHARE_OF_ASKED = 0.87;

    private static final double GIB = 1L << 30;

    /// The lower of what is asked for and what the machine has; empty if neither is known.
    static Optional<MemoryLimit> of(Optional<MemorySize> maxMemory, Device device) {
        var machine = AvailableMemory.on(device);
        Optional<MemoryLimit> available =
                machine.isPresent()
                        ? Optional.of(ofMachine(machine.getAsLong()))
                        : Optional.empty();
        if (maxMemory.isEmpty()) {
            return available;
        }
        long taken =
                device.isGpu()
                        ? device.memory().map(DeviceMemory::live).orElse(0L)
                        : ProcessMemory.residentBytes();
        MemoryLimit asked = ofAsked(maxMemory.get(), taken);
        return available.filter(l -> l.bytes() < asked.bytes()).or(() -> Optional.of(asked));
    }

    static MemoryLimit ofMachine(long available) {
        return new MemoryLimit(
                (long) (AvailableMemory.SHARE * available), Optional.empty(), available);
    }

    /// @param taken what the process has now: of the machine, or of the GPU
    static MemoryLimit ofAsked(MemorySize asked, long taken) {
        long planned = (long) (SHARE_OF_ASKED * asked.bytes()) - taken;
        return new MemoryLimit(planned, Optional.of(asked), asked.bytes() - taken);
    }

    /// What remains beside something else that will be made.
    MemoryLimit less(long reserved) {
        return new MemoryLimit(bytes - reserved, asked, left - reserved);
    }

    @Override
    public String toString() {
        return asked.isPresent()
                ? String.format(
                        Locale.ROOT, "%.2f GiB left of max_memory: %s", left / GIB, asked.get())
                : String.format(Locale.ROOT, "%.2f GiB available", left / GIB);
    }
}
