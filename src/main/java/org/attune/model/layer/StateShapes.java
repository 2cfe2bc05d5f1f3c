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
        }
        shapes.module(names.convolution(), state.channels(), 1, state.taps());
        return shapes.all;
    }

    private void shortConvolution(StateConfig.ShortConvolution c) {
        module(names.in().getFirst(), 3L * c.width(), width);
        module(names.out(), width, c.width());
    }

    private void module(String name, long... shape) {
        all.add(new Stored(names.path() + "." + name, true, shape));
    }
}
