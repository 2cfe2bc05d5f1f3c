package org.attune.model.config;

import java.util.List;

/// Finds the named scaling behind a list of divisors. GGUF files of Llama 3.1 carry only the
/// divisors; other programs read the four numbers that these were computed from.
final class RopeFit {
    /// Llama 3.1's; converters know no others.
    private static final double LOW_FREQUENCY = 1;

    private static final double HIGH_FREQUENCY = 4;

    /// Divisors are float32, so frequencies can agree to about seven digits.
    private static final double TOLERANCE = 1e-6;

    private RopeFit() {}

    /// The llama3 scaling that gives the configuration's frequencies, or the scaling as it is.
    static RopeScaling namedIfPossible(DecoderConfig config) {
        if (!(config.rope().scaling()
                        instanceof RopeScaling.Divisors(List<Double> divisors, double attention))
                || attention != 1) {
            return config.rope().scaling();
        }
        double factor = divisors.stream().mapToDouble(Double::doubleValue).max().orElse(1);
        // Llama 3.1's length first; then whatever power of two fits.
        for (int length = 8192, i = 0; i < 24; length = 1 << ++i) {
            var named = new RopeScaling.Llama3(factor, LOW_FREQUENCY, HIGH_FREQUENCY, length);
            if (factor >= 1 && givesSameFrequencies(config, named)) {
                return named;
            }
        }
        return config.rope().scaling();
    }

    private static boolean givesSameFrequencies(DecoderConfig config, RopeScaling.Llama3 named) {
        RopeConfig rope = config.rope();
        var other = new RopeConfig(rope.theta(), rope.partialRotaryFactor(), named);
        double[] a = RopeTable.of(rope, config.headDim(), 1).inverseFrequencies();
        double[] b = RopeTable.of(other, config.headDim(), 1).inverseFrequencies();
        for (int i = 0; i < a.length; i++) {
            if (!(Math.abs(a[i] - b[i]) <= TOLERANCE * a[i])) {
                return false;
            }
        }
        return true;
    }
}
