package org.attune.model.config;

import org.attune.error.ModelException;

/// Kind of all norms of a decoder.
public sealed interface NormConfig {
    /// ε, added to the mean square or the variance; in `[0, 1)`.
    double epsilon();

    /// Whether norms have weights.
    default boolean isWeighted() {
        return !(this instanceof Bare);
    }

    /// Root-mean-square norm, times `offset + weight`.
    ///
    /// @param offset 0, or 1 as in Gemma's norms
    record Rms(double epsilon, double offset) implements NormConfig {
        /// @throws ModelException if `epsilon` is outside its range
        public Rms {
            require("rms_norm_eps", epsilon);
        }
    }

    /// Norm of the mean and the variance, times `offset + weight`, plus a bias if there is one.
    ///
    /// @param offset 0, or 1 as in Nemotron's norms
    record Layer(double epsilon, double offset, boolean bias) implements NormConfig {
        /// @throws ModelException if `epsilon` is outside its range
        public Layer {
            require("layer_norm_epsilon", epsilon);
        }

        /// A norm times a weight, plus a bias.
        public Layer(double epsilon) {
            this(epsilon, 0, true);
        }
    }

    /// Norm without a weight, of the root mean square or of mean and variance.
    ///
    /// @param centred whether the mean is subtracted first, as in OLMo 1
    record Bare(double epsilon, boolean centred) implements NormConfig {
        /// @throws ModelException if `epsilon` is outside its range
        public Bare {
            require("rms_norm_eps", epsilon);
        }

        /// A root-mean-square norm.
        public Bare(double epsilon) {
            this(epsilon, false);
        }
    }

    private static void require(String key, double epsilon) {
        if (!(epsilon >= 0 && epsilon < 1)) {
            throw new ModelException(key + " is " + epsilon + "; accepted: [0, 1)");
        }
    }
}
