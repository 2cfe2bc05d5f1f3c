package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/// Which parts each block has, and what mixes tokens where attention doesn't.
///
/// @param layers parts of each block; empty: all have attention and a feed-forward part
/// @param state  the mixer that keeps a state, where blocks have one
/// @param attentionScale factor of what attention gives
public record MixersConfig(List<Parts> layers, Optional<StateConfig> state, double attentionScale) {
    /// Attention and a feed-forward part in every block.
    public static final MixersConfig ATTENTION = new MixersConfig(List.of(), Optional.empty());

    private static final Parts USUAL = new Parts(true, false, true);

    /// Parts of one block. Attention and a state in one block read the same input, and what they
    /// put out is added.
    ///
    /// @param attention   whether attention mixes tokens
    /// @param state       whether a mixer with a state does
    /// @param feedForward whether there is a feed-forward part
    public record Parts(boolean attention, boolean state, boolean feedForward) {
        /// Whether tokens are mixed at all.
        public boolean mixes() {
            return attention || state;
        }
    }

    /// @throws ModelException if a block has no part
    public MixersConfig {
        layers = List.copyOf(layers);
        for (int i = 0; i < layers.size(); i++) {
            if (!layers.get(i).mixes() && !layers.get(i).feedForward()) {
                throw new ModelException("layer " + i + " computes nothing");
            }
        }
    }

    /// Mixers whose attention is taken as it is.
    MixersConfig(List<Parts> layers, Optional<StateConfig> state) {
        this(layers, state, 1);
    }

    /// Whether some block has a part.
    boolean some(Predicate<Parts> part) {
        return layers.isEmpty() ? part.test(USUAL) : layers.stream().anyMatch(part);
    }

    /// Parts of a block.
    public Parts parts(int layer) {
        return layers.isEmpty() ? USUAL : layers.get(layer);
    }
}
