package org.attune.reports.page;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/// Numbers as they are shown.
final class Figures {
    private static final MathContext SHOWN = new MathContext(4);
    private static final MathContext DRAWN = new MathContext(5);

    private Figures() {}

    /// Four significant digits.
    static String number(double value) {
        return rounded(value, SHOWN);
    }

    /// Five significant digits, for drawings: valid in JSON.
    static String drawn(double value) {
        return Double.isFinite(value) ? rounded(value, DRAWN) : "null";
    }

    private static String rounded(double value, MathContext digits) {
        if (!Double.isFinite(value)) {
            return Double.toString(value);
        }
        if (value == Math.rint(value) && Math.abs(value) < 1e15) {
            return Long.toString((long) value);
        }
        BigDecimal rounded = new BigDecimal(value).round(digits).stripTrailingZeros();
        int exponent = rounded.precision() - rounded.scale() - 1;
        return exponent < -4 || exponent > 14
                ? rounded.toString().replace("E", "e").replace("e+", "e")
                : rounded.toPlainString();
    }

    /// Writes a number with a sign, for differences.
    static String signed(double value) {
        return value < 0 ? "−" + number(-value) : "+" + number(value);
    }

    /// Thousands apart.
    static String grouped(long value) {
        return String.format(Locale.ROOT, "%,d", value).replace(',', ' ');
    }

    static String bytes(double bytes) {
        double gibi = bytes / (1 << 30);
        return gibi >= 1
                ? String.format(Locale.ROOT, "%.2f GiB", gibi)
                : String.format(Locale.ROOT, "%.0f MiB", bytes / (1 << 20));
    }

    static String duration(double seconds) {
        if (seconds < 60) {
            return String.format(Locale.ROOT, seconds < 10 ? "%.2f s" : "%.1f s", seconds);
        }
        long whole = Math.round(seconds);
        return whole < 3600
                ? "%d min %02d s".formatted(whole / 60, whole % 60)
                : "%d h %02d min".formatted(whole / 3600, whole % 3600 / 60);
    }

    static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }
}
