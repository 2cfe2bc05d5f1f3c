package org.attune.model.layer;

import org.attune.model.config.DecoderConfig;
import org.attune.model.config.StateConfig;
import org.attune.model.config.TensorNames;

import java.util.List;
import java.util.Optional;

/// Puts mixers with a state together.
final class StateLoader {
    private final DecoderConfig config;
    private final WeightLoader loader;

    StateLoader(DecoderConfig config, WeightLoader loader) {
        this.config = config;
        this.loader = loader;
    }

    /// @param block path of a block, with a dot behind it
    StateMixer mixer(String block) {
        TensorNames.State names = config.names().state().orElseThrow();
        String path = block + names.path() + ".";
        return switch (config.block().mixers().state().orElseThrow()) {
            case StateConfig.ShortConvolution c -> shortConvolution(c, path, names);
            case StateConfig.GatedDelta c -> gatedDelta(c, path, names);
            case StateConfig.Mamba2 c -> mamba2(c, path, names);
        };
    }

    private ShortConvolution shortConvolution(
            StateConfig.ShortConvolution c, String path, TensorNames.State names) {
        int width = config.hiddenSize();
        return new ShortConvolution(
                loader.linear(width, c.bias(), path, names.in(), 3 * c.width()),
                convolution(c, path + names.convolution(), c.bias()),
                loader.linear(c.width(), c.bias(), path, List.of(names.out()), width));
    }

    private GatedDelta gatedDelta(StateConfig.GatedDelta c, String path, TensorNames.State names) {
        int width = config.hiddenSize();
        int[] outs =
                c.byKeyHead()
                        ? new int[] {c.channels() + c.values(), 2 * c.heads()}
                        : new int[] {c.channels(), c.values(), c.heads(), c.heads()};
        return new GatedDelta(
                c,
                loader.linear(width, false, path, names.in(), outs),
                convolution(c, path + names.convolution(), false),
                loader.weight(path + "A_log", c.heads()),
                loader.weight(path + "dt_bias", c.heads()),
                norm(path + names.norm(), c.valueDim()),
                loader.linear(c.values(), false, path, List.of(names.out()), width));
    }

    private Mamba2 mamba2(StateConfig.Mamba2 c, String path, TensorNames.State names) {
        int width = config.hiddenSize();
        boolean bias = c.projectionBias();
        return new Mamba2(
                c,
                loader.linear(width, bias, path, names.in(), Math.toIntExact(c.widths().in())),
                convolution(c, path + names.convolution(), c.convolutionBias()),
                loader.weight(path + "A_log", c.heads()),
                loader.weight(path + "D", c.heads()),
                loader.weight(path + "dt_bias", c.heads()),
                c.gate() == StateConfig.Mamba2.Gate.WITHOUT_NORM
                        ? Optional.empty()
                        : Optional.of(norm(path + names.norm(), c.inner())),
                loader.linear(c.inner(), bias, path, List.of(names.out()), width));
    }

    /// A norm whose weight is multiplied by, whatever the norms of the blocks are.
    private RmsNorm norm(String path, int width) {
        return new RmsNorm(loader.weight(path + ".weight", width), config.normEps(), 0);
    }

    private Convolution convolution(StateConfig c, String path, boolean bias) {
        return new Convolution(
                loader.weight(path + ".weight", c.channels(), 1, c.taps()),
                bias ? Optional.of(loader.weight(path + ".bias", c.channels())) : Optional.empty());
    }
}
