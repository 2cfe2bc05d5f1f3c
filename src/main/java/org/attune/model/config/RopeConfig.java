package org.attune.model.config;

/// Rotary position embedding of a decoder.
///
/// @param theta               base of the wavelengths, > 1
/// @param partialRotaryFactor share of each head that is rotated, in (0, 1]
/// @param scaling             change of the frequencies
public record RopeConfig(double theta, double partialRotaryFactor, RopeScaling scaling)
        implements PositionConfig {
    /// @throws IllegalArgumentException if a value is NaN or outside its range
    public RopeConfig {
        if (!(theta > 1) || Double.isInfinite(theta)) {
            throw new IllegalArgumentException("theta must be finite and > 1, got " + theta);
        }
        if (!(partialRotaryFactor > 0 && partialRotaryFactor <= 1)) {
            throw new IllegalArgumentException(
                    "partialRotaryFactor must be in (0, 1], got " + partialRotaryFactor);
        }
    }

    /// Unscaled, whole heads.
    public static RopeConfig of(double theta) {
        return new RopeConfig(theta, 1, new RopeScaling.None());
    }

    /// Features of a head that are rotated: even, at most `headDim`.
    public int rotaryDim(int headDim) {
        return (int) (headDim * partialRotaryFactor);
    }

    @Override
    public boolean dependsOnLength() {
        return scaling instanceof RopeScaling.Dynamic;
    }
}
