package org.attune.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;

/// Python's arithmetic on int (unbounded, here `Long` or `BigInteger`), bool and float.
final class JinjaNumbers {
    /// Bits of the integers that every double can tell apart.
    private static final int EXACT_BITS = 53;

    private JinjaNumbers() {}

    /// An int in its normal form: `Long` if it fits.
    static Object normal(BigInteger value) {
        Limits.requireBits(value.bitLength());
        return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
    }

    private static BigInteger charged(Object integer) {
        BigInteger big = big(integer);
        Budget.charge(big.bitLength() / Limits.BITS_PER_STEP);
        return big;
    }

    /// Charges for an operation that takes the product of its operands' lengths.
    private static void chargeProduct(BigInteger a, BigInteger b) {
        long x = 1L + a.bitLength() / Limits.BITS_PER_STEP;
        long y = 1L + b.bitLength() / Limits.BITS_PER_STEP;
        Budget.charge(x * y - 1);
    }

    static BigInteger big(Object integer) {
        return switch (integer) {
            case BigInteger b -> b;
            case Boolean b -> b ? BigInteger.ONE : BigInteger.ZERO;
            default -> BigInteger.valueOf((Long) integer);
        };
    }

    static double real(Object number) {
        return switch (number) {
            case Double d -> d;
            case Long n -> n;
            default -> {
                double value = big(number).doubleValue();
                if (Double.isInfinite(value)) {
                    throw JinjaException.value("int too large to convert to float");
                }
                yield value;
            }
        };
    }

    private static boolean real(Object a, Object b) {
        return a instanceof Double || b instanceof Double;
    }

    static Object add(Object a, Object b) {
        if (real(a, b)) {
            return real(a) + real(b);
        }
        return normal(charged(a).add(charged(b)));
    }

    static Object subtract(Object a, Object b) {
        if (real(a, b)) {
            return real(a) - real(b);
        }
        return normal(charged(a).subtract(charged(b)));
    }

    static Object multiply(Object a, Object b) {
        if (real(a, b)) {
            return real(a) * real(b);
        }
        chargeProduct(big(a), big(b));
        return normal(big(a).multiply(big(b)));
    }

    static Object divide(Object a, Object b) {
        requireDivisor(b, "division by zero");
        if (real(a, b)) {
            return real(a) / real(b);
        }
        BigInteger x = big(a);
        BigInteger y = big(b);
        if (isExact(x) && isExact(y)) {
            return x.doubleValue() / y.doubleValue();
        }
        chargeProduct(x, x);
        chargeProduct(y, y);
        // Rounded once to 40 digits, then to a double: close enough to Python's exact rounding.
        return new BigDecimal(x)
                .divide(new BigDecimal(y), new java.math.MathContext(40, RoundingMode.HALF_EVEN))
                .doubleValue();
    }

    static Object floorDivide(Object a, Object b) {
        if (real(a, b)) {
            requireDivisor(b, "float floor division by zero");
            double y = real(b);
            return Math.floor((real(a) - (double) modulo(a, b)) / y + 0.5);
        }
        requireDivisor(b, "integer division or modulo by zero");
        chargeProduct(big(a), big(b));
        BigInteger[] parts = big(a).divideAndRemainder(big(b));
        boolean down = parts[1].signum() != 0 && parts[1].signum() != big(b).signum();
        return normal(down ? parts[0].subtract(BigInteger.ONE) : parts[0]);
    }

    static Object modulo(Object a, Object b) {
        if (real(a, b)) {
            requireDivisor(b, "float modulo");
            double y = real(b);
            double rest = real(a) % y;
            return rest != 0 && (rest < 0) != (y < 0) ? rest + y : Math.copySign(rest, y);
        }
        requireDivisor(b, "integer modulo by zero");
        BigInteger y = big(b);
        chargeProduct(big(a), y);
        BigInteger rest = big(a).mod(y.abs());
        return normal(y.signum() < 0 && rest.signum() != 0 ? rest.add(y) : rest);
    }

    static Object power(Object a, Object b) {
        if (real(a, b) || big(b).signum() < 0) {
            if (real(a) == 0 && real(b) < 0) {
                throw JinjaException.value("0.0 cannot be raised to a negative power");
            }
            return Math.pow(real(a), real(b));
        }
        BigInteger base = big(a);
        if (base.abs().bitLength() <= 1) { // -1, 0 or 1, to any power
            BigInteger exponent = big(b);
            boolean one = exponent.signum() == 0 || base.signum() < 0 && !exponent.testBit(0);
            return normal(one ? BigInteger.ONE : base);
        }
        double bits = (double) base.bitLength() * big(b).doubleValue();
        Limits.requireBits(bits);
        Budget.charge((long) (bits / Limits.BITS_PER_STEP * (bits / Limits.BITS_PER_STEP)));
        return normal(base.pow(big(b).intValueExact()));
    }

    static Object negate(Object a) {
        return a instanceof Double d ? (Object) (-d) : normal(big(a).negate());
    }

    static Object absolute(Object a) {
        return a instanceof Double d ? (Object) Math.abs(d) : normal(big(a).abs());
    }

    private static void requireDivisor(Object b, String problem) {
        boolean zero = b instanceof Double d ? d == 0 : big(b).signum() == 0;
        if (zero) {
            throw JinjaException.value(problem);
        }
    }

    /// Compares exactly, also int with float. For sorting, NaN counts as the largest number.
    static int compare(Object a, Object b) {
        if (a instanceof Long x && b instanceof Long y) {
            return Long.compare(x, y);
        }
        if (isNan(a) || isNan(b)) {
            return Boolean.compare(isNan(a), isNan(b));
        }
        if (real(a, b) && (infinite(a) || infinite(b))) {
            return Double.compare(infiniteOrZero(a), infiniteOrZero(b));
        }
        if (!real(a, b)) {
            return charged(a).compareTo(charged(b));
        }
        if (isExact(a) && isExact(b)) {
            return Double.compare(real(a) + 0.0, real(b) + 0.0); // no -0.0, which is the lesser
        }
        Budget.charge(PercentFormat.DECIMAL);
        chargeProduct(integerPart(a), integerPart(a));
        chargeProduct(integerPart(b), integerPart(b));
        return decimal(a).compareTo(decimal(b));
    }

    /// Whether the number as a double is the same number.
    private static boolean isExact(Object number) {
        return number instanceof Double || big(number).bitLength() <= EXACT_BITS;
    }

    private static BigInteger integerPart(Object number) {
        return number instanceof Double ? BigInteger.ZERO : big(number);
    }

    static boolean isNan(Object value) {
        return value instanceof Double d && d.isNaN();
    }

    private static boolean infinite(Object value) {
        return value instanceof Double d && d.isInfinite();
    }

    private static double infiniteOrZero(Object value) {
        return infinite(value) ? (double) value : 0;
    }

    private static BigDecimal decimal(Object value) {
        return value instanceof Double d ? new BigDecimal(d) : new BigDecimal(big(value));
    }
}
