package org.attune.tensor.gpu;

import org.attune.tensor.library.KernelSource;
import org.attune.tensor.library.KernelSource.Signature;

import java.util.Map;

/// Computes what `attune.cu` computes by code for the processor, number by number: from the same
/// arguments the same results, but for the order of sums.
public final class SimulatedKernels implements KernelDevice {
    private static final Map<String, HostKernel> KERNELS =
            Map.of(
                    "attune_add_norm", HostNorms::forward,
                    "attune_norm_back", HostNorms::backward,
                    "attune_rotate", HostHeads::rotate,
                    "attune_append", HostHeads::append,
                    "attune_swiglu", HostGates::forward,
                    "attune_swiglu_back", HostGates::backward,
                    "attune_dropout", HostDropout::drop,
                    "attune_vocabulary", HostVocabulary::describe,
                    "attune_draw", HostVocabulary::draw);

    /// What a kernel computes, all blocks one after the other.
    private interface HostKernel {
        void run(Launch launch);
    }

    @Override
    public void launch(Launch launch) {
        KERNELS.get(launch.kernel().name()).run(launch);
    }

    /// Whether it computes what the source has, and nothing else.
    static boolean knowsAll(KernelSource source) {
        return source.signatures().keySet().equals(KERNELS.keySet());
    }

    /// Whether it stands in for a kernel.
    static boolean knows(Signature kernel) {
        return KERNELS.containsKey(kernel.name());
    }
}
