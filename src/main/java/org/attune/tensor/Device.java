package org.attune.tensor;

import org.attune.error.ConfigException;

import java.util.OptionalLong;

/// The device that a tensor lives on. Nothing is created without one.
///
/// @param type processor, GPU or simulated GPU
/// @param index number of the GPU, 0 for the CPU
public record Device(Type type, int index) {
    private static final Device CPU = new Device(Type.CPU, 0);
    private static final Device SIMULATED = new Device(Type.SIMULATED, 0);

    /// The system property that says what `auto` is: `-Dattune.device=simulated`.
    private static final String PREFERRED = "attune.device";

    private static final long SIMULATED_BYTES = 16L << 30;

    /// Kinds of devices, with libtorch's `DeviceType` number. Libtorch takes what is simulated for
    /// the processor's.
    public enum Type {
        CPU(0),
        CUDA(1),
        SIMULATED(0);

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

    /// A GPU that isn't one, for tests: its tensors lie in the processor's memory, but Java may not
    /// look at them, kernels for processors don't serve them, and operators refuse to mix them with
    /// the processor's.
    public static Device simulated() {
        return SIMULATED;
    }

    /// Whether this is a GPU, or the simulated one.
    public boolean isGpu() {
        return type != Type.CPU;
    }

    /// Reads `auto`, `cpu`, `cuda` or `cuda:N`. `auto` is the first GPU if there is one, else the
    /// CPU. Under `-Dattune.device=simulated` it is the simulated GPU, which `simulated` names too.
    ///
    /// @throws ConfigException if the text is none of these, or names a GPU that isn't there; the
    ///     message then says what was looked for
    public static Device parse(String text) {
        if (text.equals("cpu")) {
            return CPU;
        }
        boolean simulated = "simulated".equals(System.getProperty(PREFERRED));
        if (simulated && (text.equals("auto") || text.equals("simulated"))) {
            return SIMULATED;
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

    /// Waits until the device has done all that was asked of it, so that a clock can be read. A
    /// processor, and the simulated GPU, is never behind.
    public void finish() {
        if (type == Type.CUDA) {
            Uploads.send();
            CudaProbe.finish(index);
        }
    }

    /// Memory of a GPU that nobody uses, in bytes; empty for the CPU and where the driver does not
    /// tell.
    public OptionalLong freeBytes() {
        return switch (type) {
            case CPU -> OptionalLong.empty();
            case CUDA -> CudaProbe.freeBytes(index);
            case SIMULATED -> OptionalLong.of(SIMULATED_BYTES);
        };
    }

    @Override
    public String toString() {
        return switch (type) {
            case CPU -> "cpu";
            case CUDA -> "cuda:" + index;
            case SIMULATED -> "simulated";
        };
    }
}
