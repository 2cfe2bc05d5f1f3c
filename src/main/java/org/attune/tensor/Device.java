package org.attune.tensor;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.tensor.kernel.KernelDevice;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The device that a tensor lives on. Nothing is created without one.
///
/// @param kind processors, or a kind of GPU
/// @param index number of the GPU, 0 for the CPU
@Api(EXPERIMENTAL)
public record Device(DeviceKind kind, int index) {
    private static final Device CPU = new Device(DeviceKinds.PROCESSOR, 0);
    private static final String CUDA = "cuda";
    private static final String NO_CUDA =
            "GPUs of CUDA need Attune's module attune-cuda on the class path";
    private static final Logger LOG = System.getLogger(Device.class.getName());
    private static final Pattern NAME = Pattern.compile("([a-z]+)(?::(\\d{1,3}))?");

    /// The system property that says what `auto` is.
    private static final String PREFERRED = "attune.device";

    private static final String KERNELS = "attune.gpu.kernels";

    /// Variables in which launchers tell a process its number on this machine: Open MPI, Intel MPI
    /// and MPICH, Slurm.
    private static final List<String> LOCAL_RANK =
            List.of("OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID");

    public Device {
        if (index < 0) {
            throw new IllegalArgumentException("device index must be >= 0, got " + index);
        }
    }

    /// The processor.
    public static Device cpu() {
        return CPU;
    }

    /// Whether this is a GPU.
    public boolean isGpu() {
        return kind != DeviceKinds.PROCESSOR;
    }

    /// Whether its tensors lie in the processor's memory, where libtorch's operators for the
    /// processor compute them.
    boolean isHostMemory() {
        return kind.number() == DeviceKinds.PROCESSOR.number();
    }

    /// Reads `auto`, `cpu`, or a GPU's kind with a number or without: `cuda`, `cuda:N`. Without one
    /// it is the first GPU. Where a launcher started several processes on this machine, it is the
    /// GPU of a process's number among them. `auto` is what the system property `attune.device`
    /// names. Without it, it is `cuda` if there is a GPU, else the CPU.
    ///
    /// @throws ConfigException if the text is none of these, or names a GPU that isn't there; the
    ///     message then says what was looked for
    public static Device parse(String text) {
        String preferred = System.getProperty(PREFERRED);
        if (text.equals("auto")) {
            return preferred == null ? automatic() : named(preferred);
        }
        return named(text);
    }

    private static Device automatic() {
        DeviceKind cuda = DeviceKinds.of(CUDA);
        if (cuda == null) {
            if (Engine.libtorch().hasCuda()) {
                LOG.log(Level.WARNING, "the processor computes: " + NO_CUDA);
            }
            return CPU;
        }
        int gpus = cuda.count();
        return gpus > 0 ? new Device(cuda, ofRank(System.getenv(), gpus)) : CPU;
    }

    private static Device named(String text) {
        Matcher name = NAME.matcher(text);
        DeviceKind kind = name.matches() ? DeviceKinds.of(name.group(1)) : null;
        if (kind == null && name.matches() && name.group(1).equals(CUDA)) {
            throw new ConfigException("device: \"%s\": %s".formatted(text, NO_CUDA));
        }
        if (kind == null || kind == CPU.kind && name.group(2) != null) {
            throw new ConfigException(
                    "device: \"%s\" is not a device; use auto, cpu, cuda or cuda:N"
                            .formatted(text));
        }
        int index =
                name.group(2) != null
                        ? Integer.parseInt(name.group(2))
                        : ofRank(System.getenv(), kind.count());
        kind.require(index);
        return kind == CPU.kind ? CPU : new Device(kind, index);
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
    /// processor is never behind. On the engine thread.
    public void finish() {
        if (isGpu()) {
            Capture.refuse(this, "a wait", "the host's isn't recorded");
            DeviceTraffic.waited();
            LaterNumbers.finished();
            Uploads.send();
            kind.finish(index);
        }
    }

    /// What a GPU's memory holds; empty for the CPU, and where the driver doesn't tell. On the
    /// engine thread.
    public Optional<DeviceMemory> memory() {
        return kind.memory(index, DeviceBytes.live(this));
    }

    /// Gives the driver back what a GPU's memory has of freed tensors, so that it is whole again
    /// and others may have it; does nothing for a processor. On the engine thread.
    public void giveBackFreedMemory() {
        if (!isHostMemory()) {
            finish();
            kind.giveBackFreedMemory();
        }
    }

    /// What launches Attune's kernels; empty if nothing can, and with `-Dattune.gpu.kernels=off`:
    /// then operators compute. On the engine thread.
    Optional<KernelDevice> kernels() {
        return !isGpu() || "off".equals(System.getProperty(KERNELS))
                ? Optional.empty()
                : kind.kernels(index);
    }

    @Override
    public String toString() {
        return kind.name(index);
    }
}
