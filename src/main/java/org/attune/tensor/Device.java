package org.attune.tensor;

import org.attune.error.ConfigException;

import java.util.OptionalLong;

/// The device that a tensor lives on. Nothing is created without one.
///
/// @param type processor or GPU
/// @param index number of the GPU, 0 for the CPU
public record Device(Type type, int index) {
    private static final Device CPU = new Device(Type.CPU, 0);

    /// Kinds of devices, with libtorch's `DeviceType` number.
    public enum Type {
        CPU(0),
        CUDA(1);

        private final int number;

        Type(int number) {
            this.number = number;
        }

        int number() {
            return number;
        }
    }

    public Device {
        if (index < 0) {
            throw new IllegalArgumentException("device index must be >= 0, got " + index);
        }
    }

    /// The processor.
    public static Device cpu() {
        return CPU;
    }

    /// A GPU.
    public static Device cuda(int index) {
        return new Device(Type.CUDA, index);
    }

    /// Reads `auto`, `cpu`, `cuda` or `cuda:N`. `auto` is the first GPU if there is one, else the
    /// CPU.
    ///
    /// @throws ConfigException if the text is none of these, or names a GPU that isn't there; the
    ///     message then says what was looked for
    public static Device parse(String text) {
        if (text.equals("cpu")) {
            return CPU;
        }
        if (text.equals("auto")) {
            return CudaProbe.gpuCount() > 0 ? cuda(0) : CPU;
        }
        if (!text.matches("cuda(:\\d{1,3})?")) {
            throw new ConfigException(
                    "device: \"%s\" is not a device; use auto, cpu, cuda or cuda:N"
                            .formatted(text));
        }
        int index = text.length() > 4 ? Integer.parseInt(text.substring(5)) : 0;
        CudaProbe.require(index);
        return cuda(index);
    }

    /// Memory of a GPU that nobody uses, in bytes; empty for the CPU and where the driver does not
    /// tell.
    public OptionalLong freeBytes() {
        return type == Type.CPU ? OptionalLong.empty() : CudaProbe.freeBytes(index);
    }

    @Override
    public String toString() {
        return type == Type.CPU ? "cpu" : "cuda:" + index;
    }
}
