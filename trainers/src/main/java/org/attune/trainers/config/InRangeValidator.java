package org.attune.trainers.config;

import jakarta.validation.ConstraintValidator;
import jakarta.validation.ConstraintValidatorContext;

import java.math.BigDecimal;

/// Checks [InRange]. Absent values pass: whether a value must be there is another question.
public final class InRangeValidator implements ConstraintValidator<InRange, Number> {
    private InRange range;

    @Override
    public void initialize(InRange annotation) {
        range = annotation;
    }

    @Override
    public boolean isValid(Number value, ConstraintValidatorContext context) {
        if (value == null || contains(range, value.doubleValue())) {
            return true;
        }
        context.disableDefaultConstraintViolation();
        boolean whole = value instanceof Integer || value instanceof Long;
        String more = range.message().isEmpty() ? "" : ": " + range.message();
        context.buildConstraintViolationWithTemplate(accepted(range, whole) + more)
                .addConstraintViolation();
        return false;
    }

    /// Whether a value is in a range.
    static boolean contains(InRange range, double v) {
        // Written so that NaN fails every comparison.
        return Double.isFinite(v)
                && (range.minOpen() ? v > range.min() : v >= range.min())
                && (range.maxOpen() ? v < range.max() : v <= range.max());
    }

    /// What a range accepts, in words: `a number in [0, 0.5)`.
    ///
    /// @param whole whether only whole numbers are
    public static String accepted(InRange range, boolean whole) {
        String kind = whole ? "a whole number" : "a finite number";
        boolean below = Double.isInfinite(range.min());
        boolean above = Double.isInfinite(range.max());
        if (below && above) {
            return kind;
        }
        if (above) {
            return kind + (range.minOpen() ? " > " : " >= ") + plain(range.min());
        }
        if (below) {
            return kind + (range.maxOpen() ? " < " : " <= ") + plain(range.max());
        }
        return (whole ? "a whole number" : "a number")
                + " in "
                + (range.minOpen() ? "(" : "[")
                + plain(range.min())
                + ", "
                + plain(range.max())
                + (range.maxOpen() ? ")" : "]");
    }

    private static String plain(double v) {
        return BigDecimal.valueOf(v).stripTrailingZeros().toPlainString();
    }
}
