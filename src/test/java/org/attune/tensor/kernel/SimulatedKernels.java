package org.attune.tensor.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Computes what `attune.cu` computes by code for the processor, number by number: from the same
/// arguments the same results, but for the order of sums.
public final class SimulatedKernels implements KernelDevice {
    private static final Map<String, HostKernel> KERNELS =
            Map.ofEntries(
                    Map.entry("attune_add_norm", HostNorms::forward),
                    Map.entry("attune_head_norm", HostNorms::heads),
                    Map.entry("attune_add_bias", HostMatrices::addBias),
                    Map.entry("attune_norm_back", HostNorms::backward),
                    Map.entry("attune_rotate", HostHeads::rotate),
                    Map.entry("attune_append", HostHeads::append),
                    Map.entry("attune_attend", HostAttention::attend),
                    Map.entry("attune_join", HostAttention::join),
                    Map.entry("attune_swiglu", HostGates::forward),
                    Map.entry("attune_swiglu_back", HostGates::backward),
                    Map.entry("attune_dropout", HostDropout::drop),
                    Map.entry("attune_vocabulary", HostVocabulary::describe),
                    Map.entry("attune_draw", HostVocabulary::draw),
                    Map.entry("attune_adamw", HostAdamW::update),
                    Map.entry("attune_clip", HostAdamW::clip),
                    Map.entry("attune_accumulate", HostMatrices::accumulate),
                    Map.entry("attune_copy", HostMatrices::copy));

    private List<Runnable> taken; // while a graph is recorded

    /// What a kernel computes, all blocks one after the other.
    private interface HostKernel {
        void run(Launch launch);
    }

    @Override
    public void launch(Launch launch) {
        KERNELS.get(launch.kernel().name()).run(launch);
    }

    /// Takes calls down with their arguments; launching them makes the same calls again.
    @Override
    public GraphRecorder recorder() {
        return new GraphRecorder() {
            @Override
            public Recorded record(Runnable step) {
                List<Runnable> all = new ArrayList<>();
                taken = all;
                step.run();
                return new Recorded() {
                    @Override
                    public void launch() {
                        all.forEach(Runnable::run);
                    }

                    @Override
                    public void close() {
                        all.clear();
                    }
                };
            }

            @Override
            public boolean takes(Runnable launch) {
                return taken.add(launch);
            }

            @Override
            public void close() {
                taken = null;
            }
        };
    }

    /// Whether it computes what the source has, and nothing else.
    static boolean knowsAll(KernelSource source) {
        return source.signatures().keySet().equals(KERNELS.keySet());
    }
}
