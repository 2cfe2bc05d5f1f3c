package org.attune.testing;

import org.attune.model.config.DecoderConfig;
import org.attune.model.config.StateConfig;
import org.attune.model.config.TensorNames;

import java.util.List;

/// Random weights of mixers with a state.
final class TinyStates {
    private TinyStates() {}

    /// @param block path of a block, with a dot behind it
    static void put(MemoryTensorFile file, DecoderConfig config, String block) {
        TensorNames.State names = config.names().state().orElseThrow();
        StateConfig state = config.block().mixers().state().orElseThrow();
        String path = block + names.path() + ".";
        int width = config.hiddenSize();
        int inner = Math.toIntExact(state.widths().out());
        String convolution = path + names.convolution();
        double scale = 1 / Math.sqrt(state.taps());
        List<String> parts = state.convolutions(names.convolution());
        int share = state.channels() / parts.size();
        parts.forEach(
                part ->
                        TinyModels.normal(
                                file, path + part + ".weight", scale, share, 1, state.taps()));
        switch (state) {
            case StateConfig.ShortConvolution c -> {
                bias(file, convolution, c.bias(), c.channels());
                TinyModels.linear(
                        file, path + names.in().getFirst(), 3 * c.width(), width, c.bias());
                TinyModels.linear(file, path + names.out(), width, inner, c.bias());
            }
            case StateConfig.GatedDelta c -> {
                int[] outs =
                        c.byKeyHead()
                                ? new int[] {c.channels() + c.values(), 2 * c.heads()}
                                : new int[] {c.channels(), c.values(), c.heads(), c.heads()};
                for (int i = 0; i < outs.length; i++) {
                    TinyModels.linear(file, path + names.in().get(i), outs[i], width, false);
                }
                ofHeads(file, path, c.heads());
                TinyModels.norm(file, path + names.norm() + ".weight", c.valueDim());
                TinyModels.linear(file, path + names.out(), width, inner, false);
            }
            case StateConfig.ChannelDelta c -> channelDelta(file, c, names, path, width);
            case StateConfig.Mamba2 c -> {
                bias(file, convolution, c.convolutionBias(), c.channels());
                int in = Math.toIntExact(c.widths().in());
                String first = path + names.in().getFirst();
                TinyModels.linear(file, first, in, width, c.projectionBias());
                ofHeads(file, path, c.heads());
                TinyModels.normal(file, path + "D", 1, c.heads());
                if (c.gate() != StateConfig.Mamba2.Gate.WITHOUT_NORM) {
                    TinyModels.norm(file, path + names.norm() + ".weight", inner);
                }
                TinyModels.linear(file, path + names.out(), width, inner, c.projectionBias());
            }
        }
    }

    private static void channelDelta(
            MemoryTensorFile file,
            StateConfig.ChannelDelta c,
            TensorNames.State names,
            String path,
            int width) {
        int[] outs = {c.keys(), c.keys(), c.keys(), c.heads(), c.size(), c.size()};
        for (int i = 0; i < outs.length; i++) {
            TinyModels.linear(file, path + names.in().get(i), outs[i], width, false);
        }
        for (String factor :
                List.of(StateConfig.ChannelDelta.DECAYS, StateConfig.ChannelDelta.GATES)) {
            TinyModels.linear(file, path + factor, c.keys(), c.size(), false);
        }
        String forgets = path + StateConfig.ChannelDelta.FORGETS;
        TinyModels.normal(file, forgets + "A_log", 1, 1, 1, c.heads(), 1);
        TinyModels.normal(file, forgets + "dt_bias", 1, c.keys());
        TinyModels.norm(file, path + names.norm() + ".weight", c.size());
        TinyModels.linear(file, path + names.out(), width, c.keys(), false);
    }

    private static void ofHeads(MemoryTensorFile file, String path, int heads) {
        TinyModels.normal(file, path + "A_log", 1, heads);
        TinyModels.normal(file, path + "dt_bias", 1, heads);
    }

    private static void bias(MemoryTensorFile file, String path, boolean there, int size) {
        if (there) {
            TinyModels.normal(file, path + ".bias", 0.3, size);
        }
    }
}
