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
            case StateConfig.ChannelDelta c -> channelDelta(c, path, names);
            case StateConfig.Mamba2 c -> mamba2(c, path, names);
        };
    }

    private ShortConvolution shortConvolution(
            StateConfig.ShortConvolution c, String path, TensorNames.State names) {
        int width = config.hiddenSize();
        return new ShortConvolution(
                loader.linear(width, c.bias(), path, names.in(), 3 * c.width()),
                convolution(c, path, names, c.bias()),
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
                convolution(c, path, names, false),
                loader.weight(path + "A_log", c.heads()),
                loader.weight(path + "dt_bias", c.heads()),
                norm(path + names.norm(), c.valueDim()),
                loader.linear(c.values(), false, path, List.of(names.out()), width));
    }

    private ChannelDelta channelDelta(
            StateConfig.ChannelDelta c, String path, TensorNames.State names) {
        int width = config.hiddenSize();
        int keys = c.keys();
        String forgets = path + StateConfig.ChannelDelta.FORGETS;
        int[] outs = {keys, keys, keys, c.heads(), c.size(), c.size()};
        return new ChannelDelta(
                c,
                loader.linear(width, false, path, names.in(), outs),
                convolution(c, path, names, false),
                factor(c, path, StateConfig.ChannelDelta.DECAYS),
                loader.weight(forgets + "A_log", 1, 1, c.heads(), 1),
                loader.weight(forgets + "dt_bias", keys),
                factor(c, path, StateConfig.ChannelDelta.GATES),
                norm(path + names.norm(), c.size()),
                loader.linear(keys, false, path, List.of(names.out()), width));
    }

    private FusedLinear factor(StateConfig.ChannelDelta c, String path, String name) {
        return loader.linear(c.size(), false, path, List.of(name), c.keys());
    }

    private Mamba2 mamba2(StateConfig.Mamba2 c, String path, TensorNames.State names) {
        int width = config.hiddenSize();
        boolean bias = c.projectionBias();
        return new Mamba2(
                c,
                loader.linear(width, bias, path, names.in(), Math.toIntExact(c.widths().in())),
                convolution(c, path, names, c.convolutionBias()),
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

    private Convolution convolution(
            StateConfig c, String path, TensorNames.State names, boolean bias) {
        List<String> parts = c.convolutions(names.convolution());
        int share = c.channels() / parts.size();
        return new Convolution(
                parts.stream()
                        .map(part -> loader.weight(path + part + ".weight", share, 1, c.taps()))
                        .toList(),
                bias
                        ? Optional.of(
                                loader.weight(path + names.convolution() + ".bias", c.channels()))
                        : Optional.empty());
    }
}
