package org.attune.tensor;

import org.attune.error.ConfigException;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The device that a tensor lives on. Nothing is created without one.
///
/// @param type processor, GPU or simulated GPU
/// @param index number of the GPU, 0 for the CPU
public record Device(Type type, int index) {
    private static final Device CPU = new Device(Type.CPU, 0);
    private static final Device SIMULATED = new Device(Type.SIMULATED, 0);

    /// The system property that says what `auto` is: `-Dattune.device=simulated`.
    private static final String PREFERRED = "attune.device";

    /// Variables in which launchers tell a process its number on this machine: Open MPI, Intel MPI
    /// and MPICH, Slurm.
    private static final List<String> LOCAL_RANK =
            List.of("OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID");

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

    /// Reads `auto`, `cpu`, `cuda` or `cuda:N`. `cuda` is the first GPU. Where a launcher
    /// started several processes on this machine, it is the GPU of a process's number among them.
    /// `auto` is the same if there is a GPU, else the CPU. Under `-Dattune.device=simulated` it
    /// is the simulated GPU, which `simulated` names too.
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
            int gpus = CudaProbe.gpuCount();
            return gpus > 0 ? cuda(ofRank(System.getenv(), gpus)) : CPU;
        }
        if (!text.matches("cuda(:\\d{1,3})?")) {
            throw new ConfigException(
                    "device: \"%s\" is not a device; use auto, cpu, cuda or cuda:N"
                            .formatted(text));
        }
        int index =
                text.length() > 4
                        ? Integer.parseInt(text.substring(5))
                        : ofRank(System.getenv(), CudaProbe.gpuCount());
        CudaProbe.require(index);
        return cuda(index);
    }

    /// The GPU of a process by its number among those of this machine. More processes than GPUs
    /// share them in turn.
    ///
    /// @param environment variables of the process
    /// @param gpus of this machine
    static int ofRank(Map<String, String> environment, int gpus) {
        return LOCAL_RANK.stream()
                .map(environment::get)
                .filter(value -> value != null && value.matches("\\d{1,6}"))
                .findFirst()
                .map(value -> Integer.parseInt(value) % Math.max(1, gpus))
                .orElse(0);
    }

    /// Waits until the device has done all that was asked of it, so that a clock can be read. A
    /// processor, and the simulated GPU, is never behind. On the engine thread.
    public void finish() {
        if (isGpu()) {
            Capture.refuse(this, "a wait", "the host's isn't recorded");
            DeviceTraffic.waited();
            LaterNumbers.finished();
        }
        if (type == Type.CUDA) {
            Uploads.send();
            CudaProbe.finish(index);
        }
    }

    /// What a GPU's memory holds; empty for the CPU, and where the driver doesn't tell. On the
    /// engine thread.
    public Optional<DeviceMemory> memory() {
        return switch (type) {
            case CPU -> Optional.empty();
            case CUDA -> CudaProbe.memory(this);
            case SIMULATED -> {
                long total = DeviceBytes.simulatedTotal();
                long live = DeviceBytes.live(this);
                yield Optional.of(new DeviceMemory(total, total - live, live, 0));
            }
        };
    }

    /// Gives the driver back what a GPU's memory has of freed tensors, so that it is whole again
    /// and others may have it; does nothing for a processor. On the engine thread.
    public void giveBackFreedMemory() {
        if (type == Type.CUDA) {
            finish();
            CudaProbe.giveBackFreedMemory();
        }
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
