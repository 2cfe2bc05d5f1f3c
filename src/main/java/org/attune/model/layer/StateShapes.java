package org.attune.model.layer;

import org.attune.model.config.StateConfig;
import org.attune.model.config.TensorNames;

import java.util.ArrayList;
import java.util.List;

/// The tensors of a mixer with a state, as its configuration alone tells them.
final class StateShapes {
    private final TensorNames.State names;
    private final long width;
    private final List<Stored> all = new ArrayList<>();

    private StateShapes(TensorNames.State names, long width) {
        this.names = names;
        this.width = width;
    }

    /// One tensor, or the weight of a module.
    ///
    /// @param path in a block
    /// @param isModule whether files put `.weight` behind the path
    /// @param shape of it
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Stored(String path, boolean isModule, long... shape) {
        boolean isLinear() {
            return isModule && shape.length == 2;
        }

        String name() {
            return isModule ? path + ".weight" : path;
        }
    }

    /// @param width of the residual stream
    static List<Stored> of(StateConfig state, TensorNames.State names, long width) {
        var shapes = new StateShapes(names, width);
        switch (state) {
            case StateConfig.ShortConvolution c -> shapes.shortConvolution(c);
            case StateConfig.GatedDelta c -> shapes.gatedDelta(c);
            case StateConfig.ChannelDelta c -> shapes.channelDelta(c);
            case StateConfig.Mamba2 c -> shapes.mamba2(c);
        }
        List<String> convolutions = state.convolutions(names.convolution());
        long share = state.channels() / convolutions.size();
        convolutions.forEach(name -> shapes.module(name, share, 1, state.taps()));
        return shapes.all;
    }

    private void shortConvolution(StateConfig.ShortConvolution c) {
        module(names.in().getFirst(), 3L * c.width(), width);
        module(names.out(), width, c.width());
    }

    private void gatedDelta(StateConfig.GatedDelta c) {
        if (c.byKeyHead()) {
            module(names.in().get(0), (long) c.channels() + c.values(), width);
            module(names.in().get(1), 2L * c.heads(), width);
        } else {
            module(names.in().get(0), c.channels(), width);
            module(names.in().get(1), c.values(), width);
            module(names.in().get(2), c.heads(), width);
            module(names.in().get(3), c.heads(), width);
        }
        module(names.norm(), c.valueDim());
        module(names.out(), width, c.values());
        ofHeads("A_log", c.heads());
        ofHeads("dt_bias", c.heads());
    }

    private void channelDelta(StateConfig.ChannelDelta c) {
        long[] outs = {c.keys(), c.keys(), c.keys(), c.heads(), c.size(), c.size()};
        for (int i = 0; i < outs.length; i++) {
            module(names.in().get(i), outs[i], width);
        }
        module(StateConfig.ChannelDelta.DECAYS, c.keys(), c.size());
        module(StateConfig.ChannelDelta.GATES, c.keys(), c.size());
        module(names.norm(), c.size());
        module(names.out(), width, c.keys());
        parameter(StateConfig.ChannelDelta.FORGETS + "A_log", 1, 1, c.heads(), 1);
        parameter(StateConfig.ChannelDelta.FORGETS + "dt_bias", c.keys());
    }

    private void mamba2(StateConfig.Mamba2 c) {
        module(names.in().getFirst(), c.widths().in(), width);
        module(names.out(), width, c.inner());
        if (c.gate() != StateConfig.Mamba2.Gate.WITHOUT_NORM) {
            module(names.norm(), c.inner());
        }
        ofHeads("A_log", c.heads());
        ofHeads("D", c.heads());
        ofHeads("dt_bias", c.heads());
    }

    private void ofHeads(String name, long heads) {
        parameter(name, heads);
    }

    private void parameter(String name, long... shape) {
        all.add(new Stored(names.path() + "." + name, false, shape));
    }

    private void module(String name, long... shape) {
        all.add(new Stored(names.path() + "." + name, true, shape));
    }
}
