package org.attune.model.config;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// Rotary position embedding of a decoder.
///
/// @param theta               base of the wavelengths, > 1
/// @param partialRotaryFactor share of each head that is rotated, in (0, 1]
/// @param scaling             change of the frequencies
/// @param exceptions          layers that are rotated otherwise
/// @param pairs               which two features are turned together
/// @param growth              of queries with their positions, if they grow
/// @param sections            which pairs turn by the place in a picture, if some do
public record RopeConfig(
        double theta,
        double partialRotaryFactor,
        RopeScaling scaling,
        Exceptions exceptions,
        Pairs pairs,
        Optional<Growth> growth,
        Optional<Sections> sections)
        implements PositionConfig {
    /// Queries grow with their positions, so that attention to many tokens stays as sharp:
    /// ```
    /// q · (1 + β ln(1 + ⌊position / length⌋))
    /// ```
    /// In layers that rotate nothing positions begin with 1 there ([Nakanishi
    /// 2025](https://arxiv.org/abs/2501.19399), as in Llama 4).
    ///
    /// @param beta   β
    /// @param length tokens after which they grow
    /// @param still whether they grow in layers that rotate nothing, instead of in the others
    public record Growth(double beta, int length, boolean still) {
        /// @throws IllegalArgumentException if a value is outside its range
        public Growth {
            if (!(beta >= 0 && Double.isFinite(beta)) || length < 1) {
                throw new IllegalArgumentException(
                        "queries grow by %s after %d tokens; accepted: ≥ 0 and ≥ 1"
                                .formatted(beta, length));
            }
        }

        /// The factor of queries at a position.
        public double at(int position) {
            int lengths = (still ? position + 1 : position) / length;
            return 1 + beta * Math.log1p(lengths);
        }
    }

    /// Which two features of a head are turned together.
    public enum Pairs {
        /// A pair is one number of the first half and one of the second: Llama.
        HALVES,
        /// A pair is two numbers that stand side by side: Cohere, GLM.
        NEIGHBOURS,
        /// Pairs of [#HALVES], turned the other way: NanoChat.
        HALVES_BACK
    }

    /// Positions of three streams ([Wang et al. 2024, §2.1](https://arxiv.org/abs/2409.12191)): a
    /// pair of features turns by a token's time, by its row in the picture or by its column. Of
    /// tokens of text the three are equal, so these turn as without sections.
    ///
    /// @param time        pairs that turn by the time
    /// @param rows        pairs that turn by the row
    /// @param columns     pairs that turn by the column
    /// @param interleaved whether pairs of the three take turns; else they stand in blocks
    public record Sections(int time, int rows, int columns, boolean interleaved) {
        /// Number of streams.
        public static final int STREAMS = 3;

        /// @throws IllegalArgumentException if one is negative
        public Sections {
            if (time < 0 || rows < 0 || columns < 0) {
                throw new IllegalArgumentException(
                        "sections of %d, %d and %d pairs".formatted(time, rows, columns));
            }
        }

        /// Pairs of all three.
        public int pairs() {
            return time + rows + columns;
        }

        /// By which stream each pair turns: 0 the time, 1 the row, 2 the column.
        ///
        /// @param pairs of a head
        public int[] streams(int pairs) {
            int[] streams = new int[pairs];
            for (int i = 0; i < pairs; i++) {
                int turn = i % STREAMS;
                if (interleaved) {
                    int most = turn == 1 ? rows : turn == 2 ? columns : 0;
                    streams[i] = i < STREAMS * most ? turn : 0;
                } else {
                    streams[i] = i < time ? 0 : i < time + rows ? 1 : 2;
                }
            }
            return streams;
        }
    }

    /// Layers that are rotated otherwise than the others.
    ///
    /// @param windowTheta base of the wavelengths in layers with a window, whose frequencies aren't
    ///     scaled; empty: as in the others
    /// @param still layers that rotate nothing
    public record Exceptions(OptionalDouble windowTheta, Set<Integer> still) {
        /// All layers are rotated alike.
        public static final Exceptions NONE = new Exceptions(OptionalDouble.empty(), Set.of());

        public Exceptions {
            still = Set.copyOf(still);
        }
    }

    /// @throws IllegalArgumentException if a value is NaN or outside its range
    public RopeConfig {
        requireTheta(theta);
        exceptions.windowTheta().ifPresent(RopeConfig::requireTheta);
        if (!(partialRotaryFactor > 0 && partialRotaryFactor <= 1)) {
            throw new IllegalArgumentException(
                    "partialRotaryFactor must be in (0, 1], got " + partialRotaryFactor);
        }
        if (growth.isPresent() && partialRotaryFactor != 1) {
            throw new IllegalArgumentException(
                    "queries grow only where heads are rotated whole, got a partialRotaryFactor of "
                            + partialRotaryFactor);
        }
        if (sections.isPresent() && (growth.isPresent() || scaling.dependsOnLength())) {
            throw new IllegalArgumentException(
                    "positions in pictures have neither frequencies that depend on the length nor"
                            + " queries that grow");
        }
    }

    private static void requireTheta(double theta) {
        if (!(theta > 1) || Double.isInfinite(theta)) {
            throw new IllegalArgumentException("theta must be finite and > 1, got " + theta);
        }
    }

    /// A rotation that is equal in all layers.
    public RopeConfig(double theta, double partialRotaryFactor, RopeScaling scaling) {
        this(theta, partialRotaryFactor, scaling, Exceptions.NONE, Pairs.HALVES);
    }

    /// A rotation of queries that don't grow.
    public RopeConfig(
            double theta,
            double partialRotaryFactor,
            RopeScaling scaling,
            Exceptions exceptions,
            Pairs pairs) {
        this(
                theta,
                partialRotaryFactor,
                scaling,
                exceptions,
                pairs,
                Optional.empty(),
                Optional.empty());
    }

    /// Unscaled, whole heads.
    public static RopeConfig of(double theta) {
        return new RopeConfig(theta, 1, new RopeScaling.None());
    }

    /// That of layers with a window.
    public RopeConfig inWindows() {
        return exceptions.windowTheta().isEmpty()
                ? this
                : new RopeConfig(
                        exceptions.windowTheta().getAsDouble(),
                        partialRotaryFactor,
                        new RopeScaling.None(),
                        Exceptions.NONE,
                        pairs,
                        growth,
                        sections);
    }

    /// Features of a head that are rotated: even, at most `headDim`.
    public int rotaryDim(int headDim) {
        return (int) (headDim * partialRotaryFactor);
    }

    @Override
    public boolean dependsOnLength() {
        return scaling.dependsOnLength();
    }
}
