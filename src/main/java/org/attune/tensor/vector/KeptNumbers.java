package org.attune.tensor.vector;

/// Which numbers of a matrix dropout keeps. It follows from a seed and from a number's place alone:
/// the low 15 bits of each quarter of a random number of 64 bits decide about four neighbours of a
/// row, which begins with its own random number.
///
/// @param stream what the random numbers are made from
/// @param dropped of 32768 numbers, as many are dropped, below [#ALL]
public record KeptNumbers(long stream, int dropped) {
    public static final int ALL = 1 << 15;

    /// Numbers that one random number decides about.
    public static final int TOGETHER = 4;

    /// The lowest bit of each quarter.
    static final long LANES = 0x0001_0001_0001_0001L;

    /// @param seed of the pass
    /// @param name of what reads the matrix; others keep other numbers
    /// @param dropped as above
    public static KeptNumbers of(long seed, String name, int dropped) {
        return new KeptNumbers(mixed(seed + Mix.STEP * name.hashCode()), dropped);
    }

    /// Added to a random number it carries into the highest bit of a quarter that stays.
    long carry() {
        return LANES * (ALL - dropped);
    }

    /// What a row's random numbers are made from, from a column on, each a [Mix#STEP] further.
    ///
    /// @param row number of the row
    /// @param column a multiple of [#TOGETHER]
    /// @param width numbers of a row
    long stream(long row, long column, long width) {
        return stream + row * rowStep(width) + Mix.STEP * (column / TOGETHER);
    }

    /// How much further that of the next row is.
    static long rowStep(long width) {
        return Mix.STEP * ((width + TOGETHER - 1) / TOGETHER);
    }

    /// The lowest bit of each quarter is set where a number stays, the first in the lowest quarter.
    ///
    /// @param row number of the row
    /// @param width numbers of a row
    /// @param k of them, those from `4 k` on
    public long four(long row, long width, long k) {
        long random = mixed(stream(row, TOGETHER * k, width)) & LANES * (ALL - 1);
        return random + carry() >>> Mix.KEPT & LANES;
    }

    /// A number that looks random: SplitMix64's output function (Steele, Lea, Flood 2014).
    private static long mixed(long n) {
        long z = (n ^ n >>> Mix.FIRST) * Mix.TIMES;
        z = (z ^ z >>> Mix.SECOND) * Mix.TIMES_AGAIN;
        return z ^ z >>> Mix.THIRD;
    }

    /// Numbers of [#mixed] and [#four].
    public static final class Mix {
        public static final long STEP = 0x9E37_79B9_7F4A_7C15L;
        public static final long TIMES = 0xBF58_476D_1CE4_E5B9L;
        public static final long TIMES_AGAIN = 0x94D0_49BB_1331_11EBL;
        public static final int FIRST = 30;
        public static final int SECOND = 27;
        public static final int THIRD = 31;
        static final int KEPT = 15;

        private Mix() {}
    }
}
