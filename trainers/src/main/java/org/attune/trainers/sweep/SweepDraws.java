package org.attune.trainers.sweep;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;

import java.util.List;

/// Random numbers of one trial, which follow from the sweep's seed and the trial's number.
final class SweepDraws {
    private static final long GOLDEN = 0x9E37_79B9_7F4A_7C15L;

    private final UniformRandomProvider source;

    SweepDraws(long seed, int trial) {
        source = RandomSource.XO_RO_SHI_RO_128_PP.create(seed + GOLDEN * (trial + 1L));
    }

    /// A value of a range, drawn evenly.
    double from(SweepRange range) {
        return switch (range) {
            case SweepRange.Choices(List<String> values) -> below(values.size());
            case SweepRange.Numbers numbers -> {
                double low = numbers.scaled(numbers.min());
                yield numbers.unscaled(low + uniform() * (numbers.scaled(numbers.max()) - low));
            }
        };
    }

    /// Uniform in [0, 1).
    double uniform() {
        return source.nextDouble();
    }

    /// A whole number from 0 on, below `n`.
    int below(int n) {
        return source.nextInt(n);
    }

    /// Draws from the standard normal distribution, by Box and Muller's formula.
    double normal() {
        double radius = Math.sqrt(-2 * Math.log(1 - source.nextDouble()));
        return radius * Math.cos(2 * Math.PI * source.nextDouble());
    }
}
