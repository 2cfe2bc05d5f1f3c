package org.attune.tensor;

import org.attune.error.ConfigException;
import org.attune.tensor.kernel.KernelDevice;

import java.util.Optional;
import java.util.function.Supplier;

/// A kind of device: processors, or GPUs of a kind. What isn't said otherwise is a processor's
/// answer. The kinds on the class path are found by the service loader ([DeviceKinds]). On the
/// engine thread, but for names.
public interface DeviceKind {
    /// What `device` calls it, such as `cuda`.
    String name();

    /// The name of device `index`, as the kind and error messages call it.
    default String name(int index) {
        return name();
    }

    /// Libtorch's number of it, its `DeviceType`. 0 is the processor's: then tensors lie in the
    /// processor's memory, and its operators compute.
    default int number() {
        return 0;
    }

    /// How many devices can be used.
    int count();

    /// @throws ConfigException if device `index` can't be used; it says what was looked for
    default void require(int index) {
        if (index >= count()) {
            throw new ConfigException(
                    "device: %s does not exist; this machine has %d GPU(s), numbered from 0"
                            .formatted(name(index), count()));
        }
    }

    /// Waits until a device has done all that was asked of it.
    default void finish(int index) {}

    /// What a device's memory holds; empty if nobody tells.
    ///
    /// @param live bytes of tensors there
    default Optional<DeviceMemory> memory(int index, long live) {
        return Optional.empty();
    }

    /// Bytes of the tensors that a device has place for, where what allocates doesn't say so by
    /// itself.
    default long limit(int index) {
        return Long.MAX_VALUE;
    }

    /// Gives back what all devices' memory has of freed tensors.
    default void giveBackFreedMemory() {}

    /// What launches Attune's kernels; empty if nothing can.
    default Optional<KernelDevice> kernels(int index) {
        return Optional.empty();
    }

    /// Whether a device has flash attention, of bfloat16 numbers.
    default boolean hasFlash(int index) {
        return false;
    }

    /// Flash attention, where a device has it: libtorch's operators, if nothing else is said.
    default FlashOperators flash() {
        return AtenFlash.OPERATORS;
    }

    /// Does something with a device as the current one of this thread.
    default <T> T within(int index, Supplier<T> work) {
        return work.get();
    }

    /// Address of the stream on which libtorch computes; 0 if there are none.
    default long stream(int index) {
        return 0;
    }

    /// Whether a device has done all that was asked of it.
    default boolean isDone(int index) {
        return true;
    }

    /// What carries numbers between the GPUs of ranks; empty if nothing does.
    default Optional<GpuRanks.Library> ranks() {
        return Optional.empty();
    }

    /// Where a device is in its machine, whatever number a process knows it by.
    default String place(int index) {
        return name(index);
    }
}
