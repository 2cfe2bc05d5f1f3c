package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.List;

/// A mixer of tokens whose memory of all tokens before is a state of fixed size: the last inputs of
/// a short convolution, and for some kinds matrices that each token changes.
public sealed interface StateConfig
        permits StateConfig.ShortConvolution,
                StateConfig.GatedDelta,
                StateConfig.ChannelDelta,
                StateConfig.Mamba2 {
    /// Tokens that the convolution sees, the present one included.
    int taps();

    /// Features that the convolution sees.
    int channels();

    /// Numbers of the matrices of one sequence, float32.
    long stateNumbers();

    /// Features that are projected to, and those that are projected back.
    Widths widths();

    /// What it is, in words.
    String words();

    /// Names of the convolution's tensors, each of an equal share of the features.
    ///
    /// @param name in the family's files
    default List<String> convolutions(String name) {
        return List.of(name);
    }

    /// Whether the input is scaled before it is projected, or what is projected back.
    default boolean scalesEnds() {
        return this instanceof Mamba2 m && (m.factors().in() != 1 || m.factors().out() != 1);
    }

    /// Widths of projections.
    ///
    /// @param in what the residual stream is projected to
    /// @param out what is projected back
    record Widths(long in, long out) {}

    /// Numbers in the matrices that a token is multiplied by.
    ///
    /// @param stream width of the residual stream
    default long productNumbers(long stream) {
        return stream * (widths().in() + widths().out());
    }

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
            requireSize("conv_L_cache", taps);
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
        public Widths widths() {
            return new Widths(3L * width, width);
        }

        @Override
        public String words() {
            return "short convolutions";
        }
    }

    /// Linear attention by the gated delta rule
    /// ([Yang et al. 2024](https://arxiv.org/abs/2412.06464)).
    ///
    /// @param keyHeads  heads of queries and keys; divides `heads`
    /// @param heads     heads of values
    /// @param keyDim    features of a query and a key
    /// @param valueDim  features of a value
    /// @param taps      tokens that the convolution sees, ≥ 1
    /// @param byKeyHead whether projections have all of a key head side by side, as Qwen3-Next's
    record GatedDelta(
            int keyHeads, int heads, int keyDim, int valueDim, int taps, boolean byKeyHead)
            implements StateConfig {
        /// @throws ModelException if a size is impossible
        public GatedDelta {
            requireSize("linear_num_key_heads", keyHeads);
            requireSize("linear_num_value_heads", heads);
            requireSize("linear_key_head_dim", keyDim);
            requireSize("linear_value_head_dim", valueDim);
            requireSize("linear_conv_kernel_dim", taps);
            if (heads % keyHeads != 0) {
                throw new ModelException(
                        "linear_num_value_heads %d is no multiple of linear_num_key_heads %d"
                                .formatted(heads, keyHeads));
            }
        }

        /// Features of all keys.
        public int keys() {
            return keyHeads * keyDim;
        }

        /// Features of all values.
        public int values() {
            return heads * valueDim;
        }

        @Override
        public int channels() {
            return 2 * keys() + values();
        }

        @Override
        public long stateNumbers() {
            return (long) heads * keyDim * valueDim;
        }

        @Override
        public Widths widths() {
            return new Widths(channels() + values() + 2L * heads, values());
        }

        @Override
        public String words() {
            return "linear attention by the gated delta rule";
        }
    }

    /// Linear attention by the delta rule with a decay of each channel
    /// ([Kimi Linear](https://arxiv.org/abs/2510.26692)).
    ///
    /// @param heads of queries, keys and values
    /// @param size  features of each, and rank of the projections to decays and gates
    /// @param taps  tokens that the convolution sees, ≥ 1
    record ChannelDelta(int heads, int size, int taps) implements StateConfig {
        /// What makes decays.
        public static final String FORGETS = "forget_gate.";

        /// Second factor of the projection to decays.
        public static final String DECAYS = FORGETS + "f_b_proj";

        /// Second factor of the projection to gates.
        public static final String GATES = "g_b_proj";

        /// @throws ModelException if a size is impossible
        public ChannelDelta {
            requireSize("linear_num_heads", heads);
            requireSize("linear_head_dim", size);
            requireSize("linear_conv_kernel_dim", taps);
            requireSize("linear_num_heads × linear_head_dim", Math.multiplyExact(heads, size));
        }

        /// Features of all keys.
        public int keys() {
            return heads * size;
        }

        @Override
        public List<String> convolutions(String name) {
            return List.of("q_" + name, "k_" + name, "v_" + name);
        }

        @Override
        public int channels() {
            return 3 * keys();
        }

        @Override
        public long stateNumbers() {
            return (long) keys() * size;
        }

        @Override
        public Widths widths() {
            return new Widths(channels() + heads + 2L * size, keys());
        }

        @Override
        public long productNumbers(long stream) {
            return StateConfig.super.productNumbers(stream) + 2L * size * keys();
        }

        @Override
        public String words() {
            return "linear attention by the delta rule with a decay of each channel";
        }
    }

    /// A state space ([Dao and Gu 2024](https://arxiv.org/abs/2405.21060)).
    ///
    /// @param heads     of `x`
    /// @param headDim   features of each
    /// @param groups    of heads with the same `B` and `C`; divides `heads`
    /// @param stateDim  features of `B` and `C`
    /// @param taps      tokens that the convolution sees, ≥ 1
    /// @param convolutionBias whether the convolution has one
    /// @param projectionBias whether the projections have some
    /// @param step      least and largest step
    /// @param gate      how what comes out is gated
    /// @param factors   of what goes in and out
    record Mamba2(
            int heads,
            int headDim,
            int groups,
            int stateDim,
            int taps,
            boolean convolutionBias,
            boolean projectionBias,
            Range step,
            Gate gate,
            Factors factors)
            implements StateConfig {
        /// How what comes out is gated.
        public enum Gate {
            /// It is multiplied by the activated gate, then normed.
            BEFORE_NORM,
            /// It is normed, then multiplied by the activated gate.
            AFTER_NORM,
            /// It is multiplied by the activated gate and not normed.
            WITHOUT_NORM
        }

        /// Bounds.
        ///
        /// @param least   ≥ 0
        /// @param largest may be infinite
        public record Range(double least, double largest) {}

        /// Factors, as Falcon-H1 has them.
        ///
        /// @param in    of the input
        /// @param gate  of the projected gate
        /// @param x     of the projected `x`
        /// @param b     of the projected `B`
        /// @param c     of the projected `C`
        /// @param step  of the projected step
        /// @param out   of the output
        public record Factors(
                double in, double gate, double x, double b, double c, double step, double out) {
            /// None.
            public static final Factors ONES = new Factors(1, 1, 1, 1, 1, 1, 1);
        }

        /// @throws ModelException if a size is impossible
        public Mamba2 {
            requireSize("number of Mamba heads", heads);
            requireSize("features of a Mamba head", headDim);
            requireSize("number of Mamba groups", groups);
            requireSize("features of a Mamba state", stateDim);
            requireSize("width of the Mamba convolution", taps);
            if (heads % groups != 0) {
                throw new ModelException(
                        "%d Mamba heads are no multiple of %d groups".formatted(heads, groups));
            }
            if (!(step.least() >= 0 && step.least() < step.largest())) {
                throw new ModelException(
                        "time_step_limit is %s to %s; accepted: from at least 0 to more"
                                .formatted(step.least(), step.largest()));
            }
        }

        /// Features of `x`.
        public int inner() {
            return heads * headDim;
        }

        @Override
        public int channels() {
            return inner() + 2 * groups * stateDim;
        }

        @Override
        public long stateNumbers() {
            return (long) heads * headDim * stateDim;
        }

        @Override
        public Widths widths() {
            return new Widths((long) inner() + channels() + heads, inner());
        }

        @Override
        public String words() {
            return "state spaces";
        }
    }

    private static void requireSize(String key, int size) {
        if (size < 1 || size > DecoderConfig.MOST_FEATURES) {
            throw new ModelException(
                    "%s is %d; accepted: 1 to %d"
                            .formatted(key, size, DecoderConfig.MOST_FEATURES));
        }
    }
}
