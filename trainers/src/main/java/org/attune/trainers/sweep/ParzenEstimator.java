package org.attune.trainers.sweep;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A density over all keys together, made of values that were tried. Each trial is a kernel: of
/// numbers a truncated normal distribution around its value, of choices mostly its own. One more
/// kernel is as wide as the ranges. After Bergstra et al. 2011, Algorithms for Hyper-Parameter
/// Optimization, section 4, with joint kernels and widths as Optuna has them.
final class ParzenEstimator {
    private static final double WIDTH = 0.2;
    private static final int NARROWEST = 100;

    private final Map<String, SweepRange> ranges;
    private final List<Map<String, Double>> tried;
    private final double width;
    private final double least;

    /// @param tried values of the trials
    ParzenEstimator(Map<String, SweepRange> ranges, List<Map<String, Double>> tried) {
        this.ranges = ranges;
        this.tried = tried;
        int n = tried.size();
        width = WIDTH * Math.pow(Math.max(n, 1), -1.0 / (ranges.size() + 4));
        least = 1.0 / Math.min(NARROWEST, n + 2);
    }

    /// Values for all keys.
    Map<String, Double> sample(SweepDraws random) {
        int kernel = random.below(tried.size() + 1);
        Map<String, Double> values = new LinkedHashMap<>();
        ranges.forEach((key, range) -> values.put(key, sample(key, range, kernel, random)));
        return values;
    }

    private double sample(String key, SweepRange range, int kernel, SweepDraws random) {
        return switch (range) {
            case SweepRange.Choices choices -> {
                double left = random.uniform();
                int last = choices.values().size() - 1;
                for (int i = 0; i < last; i++) {
                    left -= share(key, choices, kernel, i);
                    if (left < 0) {
                        yield i;
                    }
                }
                yield last;
            }
            case SweepRange.Numbers numbers -> {
                double low = numbers.scaled(numbers.min());
                double high = numbers.scaled(numbers.max());
                double value = Double.NaN;
                while (!(value >= low && value <= high)) {
                    value =
                            centre(key, numbers, kernel)
                                    + spread(numbers, kernel) * random.normal();
                }
                yield numbers.unscaled(value);
            }
        };
    }

    private boolean isWide(int kernel) {
        return kernel == tried.size();
    }

    private double share(String key, SweepRange.Choices choices, int kernel, int choice) {
        int n = choices.values().size();
        if (isWide(kernel)) {
            return 1.0 / n;
        }
        double rest = 1.0 / (tried.size() + 1);
        double own = tried.get(kernel).get(key) == choice ? 1 : 0;
        return (own + rest) / (1 + n * rest);
    }

    private double centre(String key, SweepRange.Numbers numbers, int kernel) {
        return isWide(kernel)
                ? (numbers.scaled(numbers.min()) + numbers.scaled(numbers.max())) / 2
                : numbers.scaled(tried.get(kernel).get(key));
    }

    private double spread(SweepRange.Numbers numbers, int kernel) {
        double whole = numbers.scaled(numbers.max()) - numbers.scaled(numbers.min());
        return isWide(kernel) ? whole : whole * Math.clamp(width, least, 1.0);
    }

    /// Logarithm of the density.
    double logDensity(Map<String, Double> values) {
        double sum = 0;
        for (int kernel = 0; kernel <= tried.size(); kernel++) {
            double product = 1;
            for (var entry : ranges.entrySet()) {
                String key = entry.getKey();
                product *= density(key, entry.getValue(), kernel, values.get(key));
            }
            sum += product;
        }
        return Math.log(sum / (tried.size() + 1));
    }

    private double density(String key, SweepRange range, int kernel, double value) {
        return switch (range) {
            case SweepRange.Choices choices -> share(key, choices, kernel, (int) value);
            case SweepRange.Numbers numbers -> {
                double centre = centre(key, numbers, kernel);
                double spread = spread(numbers, kernel);
                double z = (numbers.scaled(value) - centre) / spread;
                double mass =
                        cumulative((numbers.scaled(numbers.max()) - centre) / spread)
                                - cumulative((numbers.scaled(numbers.min()) - centre) / spread);
                yield Math.exp(-z * z / 2) / (spread * mass);
            }
        };
    }

    /// The standard normal distribution, to 1e-7 (Abramowitz and Stegun 26.2.17).
    private static double cumulative(double z) {
        double t = 1 / (1 + 0.2316419 * Math.abs(z));
        double polynomial = 1.330274429;
        for (double factor : new double[] {-1.821255978, 1.781477937, -0.356563782, 0.319381530}) {
            polynomial = factor + t * polynomial;
        }
        double tail = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) * t * polynomial;
        return z > 0 ? 1 - tail : tail;
    }
}
