package org.attune.cli.fuzz;

import java.math.BigInteger;
import java.util.List;
import java.util.random.RandomGenerator;

/// Values that readers rarely see.
final class Odd {
    private static final List<Long> INTEGERS =
            List.of(
                    0L,
                    1L,
                    -1L,
                    2L,
                    3L,
                    7L,
                    127L,
                    128L,
                    255L,
                    256L,
                    65_535L,
                    1L << 20,
                    1L << 24,
                    1_000_000_007L,
                    (1L << 31) - 1,
                    1L << 31,
                    -(1L << 31),
                    (1L << 32) - 1,
                    1L << 32,
                    1L << 40,
                    1L << 53,
                    1L << 60,
                    (1L << 62) + 1,
                    Long.MAX_VALUE,
                    Long.MIN_VALUE);

    private static final List<Double> NUMBERS =
            List.of(
                    0.0,
                    -0.0,
                    0.5,
                    -1.5,
                    1e-300,
                    1e308,
                    Double.MIN_VALUE,
                    Double.NaN,
                    Double.POSITIVE_INFINITY,
                    Double.NEGATIVE_INFINITY);

    private static final List<String> TEXTS =
            List.of(
                    "",
                    " ",
                    "\0",
                    "a\0b",
                    "\n",
                    ".",
                    "..",
                    "../x",
                    "/",
                    "/dev/zero",
                    "/etc/passwd",
                    "C:\\x",
                    "~",
                    "x/../../y",
                    "null",
                    "NaN",
                    "-1",
                    "1e999",
                    "99999999999999999999",
                    "\ud800",
                    "\ufeff",
                    "\u202e",
                    "é\u0301",
                    "😀",
                    "(a+)+$",
                    "(a|a|b?)*c",
                    "(.*)*x",
                    "(",
                    "[",
                    "\\",
                    "(?<n>a)\\k<n>",
                    "(?=a)*",
                    "{{ x }}",
                    "{% for",
                    "%s%n%d",
                    "$1\\2",
                    "<|pad|>",
                    "model.safetensors",
                    "base_model.model.x");

    private Odd() {}

    static long integer(RandomGenerator random) {
        long value = pick(INTEGERS, random);
        return random.nextInt(8) == 0 ? value + random.nextInt(-2, 3) : value;
    }

    static BigInteger large(RandomGenerator random) {
        BigInteger value = BigInteger.ONE.shiftLeft(random.nextInt(63, 400));
        return random.nextBoolean() ? value : value.negate();
    }

    static double number(RandomGenerator random) {
        return pick(NUMBERS, random);
    }

    static String text(RandomGenerator random) {
        return switch (random.nextInt(12)) {
            case 0 -> pick(TEXTS, random).repeat(1 + random.nextInt(40));
            case 1 -> "a".repeat(1 << random.nextInt(13));
            case 2 -> Character.toString(random.nextInt(0x20, 0xd800));
            default -> pick(TEXTS, random);
        };
    }

    static <T> T pick(List<T> values, RandomGenerator random) {
        return values.get(random.nextInt(values.size()));
    }
}
