package org.attune.model.config;

import java.util.List;

/// How rotary frequencies are changed so that a model reaches beyond the length it was first
/// trained on. The formulas are those of [RopeTable].
public sealed interface RopeScaling {
    /// Whether the frequencies depend on the length of the sequence.
    default boolean dependsOnLength() {
        return this instanceof Dynamic || this instanceof LongRope;
    }

    /// Leaves frequencies as they are.
    record None() implements RopeScaling {}

    /// Positions divided by `factor`.
    record Linear(double factor) implements RopeScaling {}

    /// The first frequencies of a whole head, divided by `factor`. The others are 0, so that those
    /// pairs aren't rotated.
    ///
    /// @param share of the pairs that are rotated, (0, 1]
    record Proportional(double share, double factor) implements RopeScaling {
        /// @throws IllegalArgumentException if the share is outside its range
        public Proportional {
            if (!(share > 0 && share <= 1)) {
                throw new IllegalArgumentException(
                        "partial_rotary_factor is " + share + "; accepted: (0, 1]");
            }
        }
    }

    /// "NTK-aware" base, grown with the total length once that exceeds `originalLength`.
    record Dynamic(double factor, int originalLength) implements RopeScaling {}

    /// Llama 3.1: wavelengths beyond `originalLength / lowFrequency` divided by `factor`, those
    /// below `originalLength / highFrequency` kept, a ramp between.
    record Llama3(double factor, double lowFrequency, double highFrequency, int originalLength)
            implements RopeScaling {}

    /// [YaRN](https://arxiv.org/abs/2309.00071): a ramp over dimensions between interpolation and
    /// extrapolation.
    ///
    /// @param attentionFactor multiplies cosines and sines
    /// @param betaFast        rotations over `originalLength` above which a dimension is kept
    /// @param betaSlow        rotations below which a dimension is divided by `factor`
    /// @param truncate        whether the ramp's ends are rounded to whole dimensions
    record Yarn(
            double factor,
            double attentionFactor,
            double betaFast,
            double betaSlow,
            int originalLength,
            boolean truncate)
            implements RopeScaling {}

    /// [LongRoPE](https://arxiv.org/abs/2402.13753): each frequency divided by its own number, of
    /// one list in sequences of at most `originalLength` tokens, of another in longer ones.
    ///
    /// @param shortDivisors   one a frequency
    /// @param longDivisors    one a frequency
    /// @param attentionFactor multiplies cosines and sines
    record LongRope(
            List<Double> shortDivisors,
            List<Double> longDivisors,
            double attentionFactor,
            int originalLength)
            implements RopeScaling {
        public LongRope {
            shortDivisors = List.copyOf(shortDivisors);
            longDivisors = List.copyOf(longDivisors);
        }
    }

    /// Each frequency divided by its own number: `rope_freqs.weight` of GGUF files, and `longrope`
    /// whose short and long factors are equal.
    ///
    /// @param divisors        one a frequency
    /// @param attentionFactor multiplies cosines and sines
    record Divisors(List<Double> divisors, double attentionFactor) implements RopeScaling {
        public Divisors {
            divisors = List.copyOf(divisors);
        }
    }
}
