package org.attune.models.eval;

/// A 95 % confidence interval.
///
/// @param low lower end
/// @param high upper end
public record Interval(double low, double high) {
    /// The standard normal distribution's quantile at 0.975.
    private static final double Z = 1.959963984540054;

    /// The interval of a probability, after `successes` in `n` trials: E. B. Wilson, "Probable
    /// inference, the law of succession, and statistical inference", JASA 22 (1927). It stays in
    /// [0, 1] and has a width even when all trials end alike, unlike the normal one.
    /// ```
    /// (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n),     p = successes / n
    /// ```
    ///
    /// @param n ≥ 1
    public static Interval wilson(long successes, long n) {
        require(n);
        double p = (double) successes / n;
        double z2n = Z * Z / n;
        double centre = (p + z2n / 2) / (1 + z2n);
        double half = Z * Math.sqrt(p * (1 - p) / n + z2n / (4.0 * n)) / (1 + z2n);
        return new Interval(Math.max(0, centre - half), Math.min(1, centre + half));
    }

    /// The interval of a mean: `m ± z s / √n` with the standard deviation `s` of the sample
    /// (`n - 1`). NaN to NaN for a single value, about whose spread nothing is known.
    ///
    /// @param values at least one
    public static Interval normal(double[] values) {
        require(values.length);
        double mean = mean(values);
        double squares = 0;
        for (double value : values) {
            squares += (value - mean) * (value - mean);
        }
        double half = Z * Math.sqrt(squares / (values.length - 1) / values.length);
        return new Interval(mean - half, mean + half);
    }

    /// The interval of the difference of two probabilities observed on the same `n` trials: D. G.
    /// Bonett and R. M. Price, "Adjusted Wald confidence interval for a difference of binomial
    /// proportions based on paired data", J. Educ. Behav. Stat. 37 (2012).
    /// ```
    /// q - p ± z √((p + q - (q - p)²) / (n + 2)),   p = (onlyFirst + 1)/(n + 2),
    ///                                              q = (onlySecond + 1)/(n + 2)
    /// ```
    ///
    /// @param onlyFirst trials in which the first alone succeeded
    /// @param onlySecond trials in which the second alone succeeded
    /// @return of second minus first
    public static Interval paired(long onlyFirst, long onlySecond, long n) {
        require(n);
        double p = (onlyFirst + 1.0) / (n + 2);
        double q = (onlySecond + 1.0) / (n + 2);
        double half = Z * Math.sqrt((p + q - (q - p) * (q - p)) / (n + 2));
        return new Interval(Math.max(-1, q - p - half), Math.min(1, q - p + half));
    }

    static double mean(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    private static void require(long n) {
        if (n < 1) {
            throw new IllegalArgumentException("an interval needs at least one value, got " + n);
        }
    }
}
