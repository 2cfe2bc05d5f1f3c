package org.attune.model.config;

import org.attune.error.ModelException;

/// A mixer of tokens whose memory of all tokens before is a state of fixed size: the last inputs of
/// a short convolution, and for some kinds matrices that each token changes.
public sealed interface StateConfig permits StateConfig.ShortConvolution {
    /// Tokens that the convolution sees, the present one included.
    int taps();

    /// Features that the convolution sees.
    int channels();

    /// Numbers of the matrices of one sequence, float32.
    long stateNumbers();

    /// Numbers in the matrices that a token is multiplied by.
    ///
    /// @param width of the residual stream
    long productNumbers(long width);

    /// What it is, in words.
    String words();

    /// A convolution between two gates
    /// ([LFM2](https://arxiv.org/abs/2511.23404)):
    /// ```
    /// [B, C, x] = W_in h,     out = W_out (C · conv(B · x))
    /// ```
    ///
    /// @param width of `x`, the residual stream's
    /// @param taps  tokens that it sees, ≥ 1
    /// @param bias  whether convolution and projections have biases
    record ShortConvolution(int width, int taps, boolean bias) implements StateConfig {
        /// @throws ModelException if it sees no token
        public ShortConvolution {
            requireTaps("conv_L_cache", taps);
        }

        @Override
        public int channels() {
            return width;
        }

        @Override
        public long stateNumbers() {
            return 0;
        }

        @Override
        public long productNumbers(long stream) {
            return 4 * stream * width;
        }

        @Override
        public String words() {
            return "short convolutions";
        }
    }

    /// A convolution sees few tokens.
    private static void requireTaps(String key, int taps) {
        if (taps < 1 || taps > 1024) {
            throw new ModelException(key + " is " + taps + "; accepted: 1 to 1024");
        }
    }
}
