package org.attune.trainers.sweep;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/// Values that a key may have. A value is a number: of choices its place, from 0.
@Api(EXPERIMENTAL)
public sealed interface SweepRange {
    /// A value as a run's file has it.
    String text(double value);

    /// All values of the range, for a grid.
    List<Double> grid();

    /// The range as Optuna describes it.
    Map<String, Object> distribution();

    /// Words or numbers, of which one is taken.
    ///
    /// @param values in YAML
    record Choices(List<String> values) implements SweepRange {
        public Choices {
            values = List.copyOf(values);
        }

        @Override
        public String text(double value) {
            return values.get((int) value);
        }

        @Override
        public List<Double> grid() {
            return IntStream.range(0, values.size()).mapToObj(i -> (double) i).toList();
        }

        @Override
        public Map<String, Object> distribution() {
            return Map.of(
                    "name", "CategoricalDistribution", "attributes", Map.of("choices", values));
        }
    }

    /// Numbers between two bounds, both included.
    ///
    /// @param log whether factors count, not differences
    /// @param whole whether only whole numbers
    /// @param step distance of the numbers from each other, beginning at `min`
    record Numbers(double min, double max, boolean log, boolean whole, OptionalDouble step)
            implements SweepRange {
        private static final MathContext DIGITS = new MathContext(4);

        /// Puts a value on the scale on which values are drawn.
        double scaled(double value) {
            return log ? Math.log(value) : value;
        }

        double unscaled(double value) {
            return fitted(log ? Math.exp(value) : value);
        }

        /// The nearest number of the range, of four digits where it has no steps.
        double fitted(double value) {
            double near = new BigDecimal(value).round(DIGITS).doubleValue();
            if (step.isPresent() || whole) {
                double width = step.orElse(1);
                near = min + Math.rint((value - min) / width) * width;
            }
            return Math.clamp(near, min, max);
        }

        @Override
        public String text(double value) {
            return whole ? String.valueOf(Math.round(value)) : String.valueOf(value);
        }

        @Override
        public List<Double> grid() {
            List<Double> all = new ArrayList<>();
            double width = step.orElse(1);
            for (int i = 0; min + i * width <= max * (1 + 1e-12); i++) {
                all.add(min + i * width);
            }
            return all;
        }

        @Override
        public Map<String, Object> distribution() {
            Map<String, Object> attributes = new LinkedHashMap<>();
            attributes.put("log", log);
            if (whole) {
                attributes.put("step", Math.round(step.orElse(1)));
                attributes.put("low", Math.round(min));
                attributes.put("high", Math.round(max));
            } else {
                attributes.put("step", step.isPresent() ? step.getAsDouble() : null);
                attributes.put("low", min);
                attributes.put("high", max);
            }
            return Map.of(
                    "name",
                    whole ? "IntDistribution" : "FloatDistribution",
                    "attributes",
                    attributes);
        }
    }
}
