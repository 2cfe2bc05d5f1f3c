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

    private Convolution convolution(StateConfig c, String path, boolean bias) {
        return new Convolution(
                loader.weight(path + ".weight", c.channels(), 1, c.taps()),
                bias ? Optional.of(loader.weight(path + ".bias", c.channels())) : Optional.empty());
    }
}
