package org.attune.agents.calculator;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;

/// A number: a fraction in lowest terms, or, once a function has made it irrational, an
/// approximation.
sealed interface Value {
    /// Digits of an approximation that are shown; the sixteenth may be wrong.
    MathContext SHOWN = new MathContext(15);

    /// Larger numbers are refused: nobody reads them.
    int MOST_BITS = 10_000;

    Value ZERO = of(BigInteger.ZERO);

    double approximate();

    /// The value as it is written: exactly if it has at most 30 digits, else 15 of them.
    String text();

    static Value of(BigInteger whole) {
        return new Exact(whole, BigInteger.ONE);
    }

    static Value of(BigDecimal decimal) {
        BigInteger unscaled = decimal.unscaledValue();
        BigInteger power = BigInteger.TEN.pow(Math.abs(decimal.scale()));
        return decimal.scale() < 0
                ? fraction(unscaled.multiply(power), BigInteger.ONE)
                : fraction(unscaled, power);
    }

    /// @throws IllegalArgumentException if it is no number
    static Value of(double approximation) {
        if (!Double.isFinite(approximation)) {
            throw new IllegalArgumentException("the result is no number, or too large");
        }
        return new Near(approximation);
    }

    /// @throws IllegalArgumentException if it is too large
    static Value fraction(BigInteger above, BigInteger below) {
        if (below.signum() == 0) {
            throw new IllegalArgumentException("division by zero");
        }
        BigInteger common = above.gcd(below);
        BigInteger sign = BigInteger.valueOf(below.signum());
        BigInteger a = above.divide(common).multiply(sign);
        BigInteger b = below.divide(common).multiply(sign);
        if (a.bitLength() > MOST_BITS || b.bitLength() > MOST_BITS) {
            throw new IllegalArgumentException("the result has more than 3000 digits");
        }
        return new Exact(a, b);
    }

    default Value plus(Value other) {
        return this instanceof Exact a && other instanceof Exact b
                ? fraction(
                        a.above.multiply(b.below).add(b.above.multiply(a.below)),
                        a.below.multiply(b.below))
                : of(approximate() + other.approximate());
    }

    default Value minus(Value other) {
        return plus(other.negated());
    }

    default Value negated() {
        return this instanceof Exact a ? new Exact(a.above.negate(), a.below) : of(-approximate());
    }

    default Value times(Value other) {
        return this instanceof Exact a && other instanceof Exact b
                ? fraction(a.above.multiply(b.above), a.below.multiply(b.below))
                : of(approximate() * other.approximate());
    }

    default Value over(Value other) {
        if (other.approximate() == 0 && !(other instanceof Exact e && e.above.signum() != 0)) {
            throw new IllegalArgumentException("division by zero");
        }
        return this instanceof Exact a && other instanceof Exact b
                ? fraction(a.above.multiply(b.below), a.below.multiply(b.above))
                : of(approximate() / other.approximate());
    }

    /// Rounded towards negative infinity.
    default Value floor() {
        if (this instanceof Exact a) {
            BigInteger[] parts = a.above.divideAndRemainder(a.below);
            return of(parts[1].signum() < 0 ? parts[0].subtract(BigInteger.ONE) : parts[0]);
        }
        return of(new BigDecimal(Math.floor(approximate())));
    }

    /// What is left of a division that is rounded towards negative infinity, as in Python.
    default Value modulo(Value other) {
        return minus(over(other).floor().times(other));
    }

    /// Raises the value to a power; exact for whole exponents.
    default Value power(Value exponent) {
        if (this instanceof Exact a && exponent instanceof Exact e && e.isWhole()) {
            return a.power(e.above);
        }
        return of(Math.pow(approximate(), exponent.approximate()));
    }

    default int compare(Value other) {
        return this instanceof Exact a && other instanceof Exact b
                ? a.above.multiply(b.below).compareTo(b.above.multiply(a.below))
                : Double.compare(approximate(), other.approximate());
    }

    /// The whole number that the value is.
    ///
    /// @throws IllegalArgumentException if it is none
    default BigInteger whole(String of) {
        if (this instanceof Exact a && a.isWhole()) {
            return a.above;
        }
        throw new IllegalArgumentException("%s needs whole numbers, got %s".formatted(of, text()));
    }

    /// A fraction in lowest terms.
    record Exact(BigInteger above, BigInteger below) implements Value {
        boolean isWhole() {
            return below.equals(BigInteger.ONE);
        }

        private Value power(BigInteger exponent) {
            int bits = Math.max(above.bitLength(), below.bitLength());
            boolean isUnit = above.abs().bitLength() <= 1 && isWhole(); // -1, 0, 1
            if (!isUnit && exponent.abs().bitLength() > 31
                    || !isUnit && (long) bits * exponent.abs().longValue() > 2L * MOST_BITS) {
                throw new IllegalArgumentException("the result has more than 3000 digits");
            }
            int times = isUnit ? exponent.abs().testBit(0) ? 1 : 2 : exponent.abs().intValue();
            if (exponent.signum() == 0) {
                return of(BigInteger.ONE);
            }
            Value power = fraction(above.pow(times), below.pow(times));
            return exponent.signum() > 0 ? power : of(BigInteger.ONE).over(power);
        }

        @Override
        public double approximate() {
            return new BigDecimal(above)
                    .divide(new BigDecimal(below), MathContext.DECIMAL64)
                    .doubleValue();
        }

        @Override
        public String text() {
            if (isWhole()) {
                return above.toString();
            }
            try {
                BigDecimal exact = new BigDecimal(above).divide(new BigDecimal(below));
                if (exact.precision() <= 30 && exact.scale() <= 30) {
                    return exact.stripTrailingZeros().toPlainString();
                }
            } catch (ArithmeticException e) {
                // it has no end
            }
            return shown(new BigDecimal(above).divide(new BigDecimal(below), SHOWN));
        }
    }

    /// An approximation.
    record Near(double approximate) implements Value {
        @Override
        public String text() {
            return shown(new BigDecimal(approximate).round(SHOWN));
        }
    }

    private static String shown(BigDecimal value) {
        BigDecimal digits = value.signum() == 0 ? BigDecimal.ZERO : value.stripTrailingZeros();
        boolean isPlain = digits.precision() - digits.scale() < 20 && digits.scale() < 25;
        return isPlain ? digits.toPlainString() : digits.toString();
    }
}
