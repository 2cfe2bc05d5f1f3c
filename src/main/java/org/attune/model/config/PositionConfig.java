package org.attune.model.config;

/// How a decoder knows the positions of tokens.
public sealed interface PositionConfig
        permits RopeConfig, PositionConfig.Learned, PositionConfig.None {
    /// Whether what is computed of a token depends on the total length of its sequence. Then a
    /// beginning shared by sequences of different lengths can't be computed once.
    boolean dependsOnLength();

    /// Not at all: other mixers than attention know the order of tokens.
    record None() implements PositionConfig {
        @Override
        public boolean dependsOnLength() {
            return false;
        }
    }

    /// A learned vector for each position, added to the token's embedding.
    record Learned() implements PositionConfig {
        @Override
        public boolean dependsOnLength() {
            return false;
        }
    }
}
