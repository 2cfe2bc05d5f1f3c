package org.attune.model.pass;

import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.RopeConfig;
import org.attune.model.layer.SelfAttention;
import org.attune.tensor.DType;
import org.attune.tensor.Device;

import java.util.Optional;

/// The rotations of one pass.
///
/// @param usual that of layers without a window, or of all; empty where no layer rotates
/// @param inWindows that of layers with a window, where these have another one
/// @param still that of layers that rotate nothing, by an angle of 0; empty where there are none
public record Ropes(Optional<Rope> usual, Optional<Rope> inWindows, Optional<Rope> still) {
    /// The rotations of a layout's rows.
    public static Ropes of(DecoderConfig config, Layout layout, Device device, DType dtype) {
        if (!config.rotates()) {
            return new Ropes(Optional.empty(), Optional.empty(), Optional.empty());
        }
        RopeConfig rope = config.rope();
        AttentionConfig attention = config.attention();
        var usual = new Rope(config, rope, attention.rotatedHead(), layout, device, dtype);
        return new Ropes(
                Optional.of(usual),
                rope.exceptions().windowTheta().isPresent()
                        ? Optional.of(
                                new Rope(
                                        config,
                                        rope.inWindows(),
                                        attention.rotatedInWindows(),
                                        layout,
                                        device,
                                        dtype))
                        : Optional.empty(),
                rope.exceptions().still().isEmpty()
                        ? Optional.empty()
                        : Optional.of(usual.still(config, layout, device, dtype)));
    }

    /// That of a block's queries and keys; of a layer that rotates nothing by an angle of 0.
    public Rope of(SelfAttention block) {
        return block.rotates() ? of(block.window()) : still.orElseThrow();
    }

    /// That of all layers, where they rotate alike.
    public Rope all() {
        return usual.orElseThrow();
    }

    /// That of a layer that rotates.
    ///
    /// @param window of the layer; 0 is none
    public Rope of(int window) {
        return window > 0 ? inWindows.or(() -> usual).orElseThrow() : all();
    }
}
