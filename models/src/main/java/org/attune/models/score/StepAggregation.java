package org.attune.models.score;

import java.util.Arrays;

/// How the probabilities that a process reward model gives the steps of a solution become one
/// reward. All are in [0, 1].
public enum StepAggregation {
    /// The weakest step, as in [Wang et al. 2024](https://arxiv.org/abs/2312.08935).
    MIN {
        @Override
        double of(double[] probabilities) {
            return Arrays.stream(probabilities).min().orElseThrow();
        }
    },
    /// That all steps are right, as in
    /// [Lightman et al. 2023](https://arxiv.org/abs/2305.20050). The more steps, the
    /// smaller.
    PRODUCT {
        @Override
        double of(double[] probabilities) {
            return Arrays.stream(probabilities).reduce(1, (a, b) -> a * b);
        }
    },
    /// The arithmetic mean of the steps' probabilities.
    MEAN {
        @Override
        double of(double[] probabilities) {
            return Arrays.stream(probabilities).average().orElseThrow();
        }
    },
    /// The last step alone.
    LAST {
        @Override
        double of(double[] probabilities) {
            return probabilities[probabilities.length - 1];
        }
    };

    /// @param probabilities of right steps, in order; at least one
    abstract double of(double[] probabilities);
}
