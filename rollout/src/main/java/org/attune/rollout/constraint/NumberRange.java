package org.attune.rollout.constraint;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Spells numbers between bounds as decimals, without exponents. Forms are llguidance's: which ends
/// have zeros behind them is its choice.
final class NumberRange {
    private final Grammar grammar;
    private final Expr digit;
    private final Expr fraction; // with its point, or none
    private final Expr minus;

    NumberRange(Grammar grammar) {
        this.grammar = grammar;
        digit = digits(0, 9);
        fraction =
                grammar.optional(
                        grammar.chain(grammar.text("."), grammar.repeat(digit, 1, Expr.ENDLESS)));
        minus = grammar.text("-");
    }

    /// A bound.
    ///
    /// @param open whether it is not among the numbers itself
    record Bound(BigDecimal value, boolean open) {}

    /// Any number of JSON.
    Expr number() {
        Expr sign = grammar.optional(grammar.anyOf(List.of(grammar.text("+"), minus)));
        Expr e = grammar.anyOf(List.of(grammar.text("e"), grammar.text("E")));
        Expr exponent = grammar.chain(e, sign, grammar.repeat(digit, 1, Expr.ENDLESS));
        return grammar.chain(integer(), fraction, grammar.optional(exponent));
    }

    /// Any integer, in digits alone.
    Expr integer() {
        return grammar.chain(grammar.optional(minus), from(BigInteger.ZERO));
    }

    /// Integers between bounds.
    Expr integers(Optional<Bound> lower, Optional<Bound> upper) {
        Optional<BigInteger> low =
                lower.map(
                        b -> {
                            BigInteger up =
                                    b.value().setScale(0, RoundingMode.CEILING).toBigInteger();
                            return b.open() && isWhole(b) ? up.add(BigInteger.ONE) : up;
                        });
        Optional<BigInteger> high =
                upper.map(
                        b -> {
                            BigInteger down =
                                    b.value().setScale(0, RoundingMode.FLOOR).toBigInteger();
                            return b.open() && isWhole(b) ? down.subtract(BigInteger.ONE) : down;
                        });
        if (low.isEmpty() && high.isEmpty()) {
            return integer();
        }
        if (low.isPresent() && high.isPresent()) {
            return between(low.get(), high.get());
        }
        if (low.isPresent()) {
            BigInteger first = low.get();
            return first.signum() >= 0
                    ? from(first)
                    : grammar.anyOf(
                            List.of(
                                    negative(between(BigInteger.ONE, first.negate())),
                                    from(BigInteger.ZERO)));
        }
        BigInteger last = high.orElseThrow();
        return last.signum() < 0
                ? negative(from(last.negate()))
                : grammar.anyOf(
                        List.of(between(BigInteger.ZERO, last), negative(from(BigInteger.ONE))));
    }

    private static boolean isWhole(Bound bound) {
        return bound.value().stripTrailingZeros().scale() <= 0;
    }

    private Expr between(BigInteger low, BigInteger high) {
        if (low.compareTo(high) > 0) {
            return grammar.nothing;
        }
        if (low.signum() >= 0) {
            return sameSign(low, high);
        }
        return high.signum() < 0
                ? negative(sameSign(high.negate(), low.negate()))
                : grammar.anyOf(
                        List.of(
                                negative(sameSign(BigInteger.ZERO, low.negate())),
                                sameSign(BigInteger.ZERO, high)));
    }

    /// @param low ≥ 0
    private Expr sameSign(BigInteger low, BigInteger high) {
        String first = low.toString();
        String last = high.toString();
        List<Expr> parts = new ArrayList<>();
        for (int length = first.length(); length <= last.length(); length++) {
            String from = length == first.length() ? first : "1" + "0".repeat(length - 1);
            String to = length == last.length() ? last : "9".repeat(length);
            parts.add(sameLength(from, to));
        }
        return grammar.anyOf(parts);
    }

    private Expr sameLength(String low, String high) {
        if (low.chars().allMatch(c -> c == '0') && high.chars().allMatch(c -> c == '9')) {
            return grammar.repeat(digit, low.length(), low.length());
        }
        int rest = low.length() - 1;
        int a = low.charAt(0) - '0';
        int b = high.charAt(0) - '0';
        if (a == b) {
            return grammar.chain(digits(a, b), sameLength(low.substring(1), high.substring(1)));
        }
        return grammar.anyOf(
                List.of(
                        grammar.chain(digits(a, a), sameLength(low.substring(1), "9".repeat(rest))),
                        grammar.chain(digits(a + 1, b - 1), grammar.repeat(digit, rest, rest)),
                        grammar.chain(
                                digits(b, b), sameLength("0".repeat(rest), high.substring(1)))));
    }

    /// Integers from one on, ≥ 0.
    private Expr from(BigInteger low) {
        int length = low.toString().length();
        return grammar.anyOf(
                List.of(
                        sameLength(low.toString(), "9".repeat(length)),
                        grammar.chain(digits(1, 9), grammar.repeat(digit, length, Expr.ENDLESS))));
    }

    private Expr negative(Expr number) {
        return grammar.chain(minus, number);
    }

    private Expr digits(int from, int to) {
        return from > to ? grammar.nothing : grammar.bytes('0' + from, '0' + to);
    }

    /// Decimals between bounds.
    Expr decimals(Optional<Bound> lower, Optional<Bound> upper) {
        var zero = new Bound(BigDecimal.ZERO, false);
        var aboveZero = new Bound(BigDecimal.ZERO, true);
        if (lower.isEmpty() && upper.isEmpty()) {
            return number();
        }
        if (upper.isEmpty()) {
            Bound low = lower.get();
            return low.value().signum() >= 0
                    ? decimalsFrom(low)
                    : grammar.anyOf(
                            List.of(
                                    negative(decimals(aboveZero, opposite(low))),
                                    decimalsFrom(zero)));
        }
        Bound high = upper.get();
        if (lower.isEmpty()) {
            if (high.value().signum() < 0) {
                return negative(decimalsFrom(opposite(high)));
            }
            return grammar.anyOf(List.of(negative(decimalsFrom(aboveZero)), decimals(zero, high)));
        }
        Bound low = lower.get();
        if (low.value().signum() >= 0) {
            return decimals(low, high);
        }
        if (high.value().signum() < 0) {
            return negative(decimals(opposite(high), opposite(low)));
        }
        return grammar.anyOf(
                List.of(negative(decimals(aboveZero, opposite(low))), decimals(zero, high)));
    }

    private static Bound opposite(Bound bound) {
        return new Bound(bound.value().negate(), bound.open());
    }

    /// @param low ≥ 0
    private Expr decimalsFrom(Bound low) {
        int length = low.value().toBigInteger().toString().length();
        return grammar.anyOf(
                List.of(
                        decimals(low, new Bound(BigDecimal.TEN.pow(length), true)),
                        grammar.chain(
                                digits(1, 9),
                                grammar.repeat(digit, length, Expr.ENDLESS),
                                fraction)));
    }

    /// @param low ≥ 0
    private Expr decimals(Bound low, Bound high) {
        int order = low.value().compareTo(high.value());
        if (order > 0 || order == 0 && (low.open() || high.open())) {
            return grammar.nothing;
        }
        BigInteger first = low.value().toBigInteger();
        BigInteger last = high.value().toBigInteger();
        String lowDigits = places(low.value());
        String highDigits = places(high.value());
        if (order == 0) {
            return grammar.text(low.value().stripTrailingZeros().toPlainString());
        }
        Expr point = grammar.text(".");
        if (first.equals(last)) {
            int places = Math.max(lowDigits.length(), highDigits.length());
            Expr behind =
                    grammar.chain(
                            point,
                            places(
                                    padded(lowDigits, places),
                                    padded(highDigits, places),
                                    low,
                                    high));
            boolean mayEnd = lowDigits.isEmpty() && !low.open();
            return grammar.chain(
                    grammar.text(first.toString()), mayEnd ? grammar.optional(behind) : behind);
        }
        List<Expr> parts = new ArrayList<>();
        if (!lowDigits.isEmpty() || low.open()) {
            parts.add(
                    grammar.chain(
                            grammar.text(first.toString()), point, atLeast(lowDigits, low.open())));
            first = first.add(BigInteger.ONE);
        }
        if (last.compareTo(first) > 0) {
            parts.add(grammar.chain(sameSign(first, last.subtract(BigInteger.ONE)), fraction));
        }
        if (!highDigits.isEmpty()) {
            parts.add(
                    grammar.chain(
                            grammar.text(last.toString()),
                            grammar.optional(
                                    grammar.chain(point, atMost(highDigits, high.open())))));
        } else if (!high.open()) {
            Expr zeros = grammar.repeat(digits(0, 0), 1, Expr.ENDLESS);
            parts.add(
                    grammar.chain(
                            grammar.text(last.toString()),
                            grammar.optional(grammar.chain(point, zeros))));
        }
        return grammar.anyOf(parts);
    }

    /// Digits behind the point, without zeros at the end.
    private static String places(BigDecimal value) {
        String text = value.abs().stripTrailingZeros().toPlainString();
        int point = text.indexOf('.');
        return point < 0 ? "" : text.substring(point + 1);
    }

    private static String padded(String digits, int length) {
        return digits + "0".repeat(length - digits.length());
    }

    private static String trimmed(String digits) {
        return digits.replaceAll("0+$", "");
    }

    /// Places between those of two bounds, written with equally many.
    private Expr places(String from, String to, Bound low, Bound high) {
        int a = from.charAt(0) - '0';
        int b = to.charAt(0) - '0';
        if (a == b) {
            return grammar.chain(
                    digits(a, a), places(from.substring(1), to.substring(1), low, high));
        }
        List<Expr> parts = new ArrayList<>();
        parts.add(grammar.chain(digits(a, a), atLeast(trimmed(from.substring(1)), low.open())));
        parts.add(grammar.chain(digits(a + 1, b - 1), grammar.star(digit)));
        String rest = trimmed(to.substring(1));
        if (!rest.isEmpty() || !high.open()) {
            parts.add(grammar.chain(digits(b, b), atMost(rest, high.open())));
        }
        return grammar.anyOf(parts);
    }

    private Expr atLeast(String places, boolean open) {
        if (places.isEmpty()) {
            return open ? grammar.chain(grammar.star(digit), digits(1, 9)) : grammar.star(digit);
        }
        int first = places.charAt(0) - '0';
        return grammar.anyOf(
                List.of(
                        grammar.chain(digits(first, first), atLeast(places.substring(1), open)),
                        grammar.chain(digits(first + 1, 9), grammar.star(digit))));
    }

    private Expr atMost(String places, boolean open) {
        if (places.isEmpty()) {
            return grammar.empty;
        }
        int first = places.charAt(0) - '0';
        Expr below = grammar.chain(digits(0, first - 1), grammar.star(digit));
        return open && places.length() == 1
                ? below
                : grammar.anyOf(
                        List.of(
                                below,
                                grammar.chain(
                                        digits(first, first), atMost(places.substring(1), open))));
    }

    /// Multiples of a positive number, with a sign, in as many places as it has at most.
    ///
    /// @return empty if it has too many digits
    Optional<Expr> multiples(BigDecimal of) {
        BigDecimal step = of.stripTrailingZeros();
        int places = Math.max(step.scale(), 0);
        BigInteger divisor = step.setScale(places).unscaledValue();
        return divisor.bitLength() > 31 || places > 30
                ? Optional.empty()
                : Optional.of(
                        grammar.chain(
                                grammar.optional(minus),
                                grammar.multipleOf(divisor.intValueExact(), places)));
    }
}
