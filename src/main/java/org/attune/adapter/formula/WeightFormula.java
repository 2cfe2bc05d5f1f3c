package org.attune.adapter.formula;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.distribution.ZigguratSampler;
import org.attune.tensor.Tensor;

import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/// How an adapter makes the update of one weight from trained tensors: `W' = W + Δ`. Formulas are
/// records, equal where they are the same formula.
public interface WeightFormula {
    /// A size that is not known yet.
    long ANY = -1;

    /// The weight that is updated.
    ///
    /// @param out its rows
    /// @param in its columns
    /// @param weight its values, float32 `(out, in)`, for formulas that [read][#readsWeight] them
    /// @param shared values of [WeightFormula#shared], float32
    record Base(long out, long in, Supplier<Tensor> weight, List<Tensor> shared) {
        /// For formulas that share nothing.
        public Base(long out, long in, Supplier<Tensor> weight) {
            this(out, in, weight, List.of());
        }
    }

    /// A trained tensor.
    ///
    /// @param suffix what follows the module's path in PEFT's files, e.g. `hada_w1_a`
    /// @param start values of a fresh adapter
    /// @param random values of one with PEFT's `init_weights: false`
    /// @param shape row-major; [#ANY] where a size is not known
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Part(String suffix, Start start, Start random, long... shape) {
        Part(String suffix, Start start, long... shape) {
            this(suffix, start, Start.KAIMING, shape);
        }
    }

    /// Values that a tensor of a fresh adapter has.
    @FunctionalInterface
    interface Start {
        Start ZEROS = normal(0, 0);

        Start ONES = normal(1, 0);

        /// Uniform in ±1/√columns, PyTorch's `kaiming_uniform_` with `a = √5`.
        Start KAIMING = (shape, random) -> uniform(1 / Math.sqrt(shape[1])).values(shape, random);

        /// [#KAIMING] of half the columns, each of which comes twice. Odd numbers: [#KAIMING].
        Start PAIRS =
                (shape, random) -> {
                    if (shape[1] % 2 != 0) {
                        return KAIMING.values(shape, random);
                    }
                    float[] half = KAIMING.values(new long[] {shape[0], shape[1] / 2}, random);
                    float[] values = new float[2 * half.length];
                    for (int i = 0; i < half.length; i++) {
                        values[2 * i] = half[i];
                        values[2 * i + 1] = half[i];
                    }
                    return values;
                };

        /// Uniform in ±`bound`.
        static Start uniform(double bound) {
            return (shape, random) -> {
                float[] values = new float[count(shape)];
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) (bound * (2 * random.nextDouble() - 1));
                }
                return values;
            };
        }

        /// @param deviation standard deviation; 0 draws nothing
        static Start normal(double mean, double deviation) {
            return (shape, random) -> {
                float[] values = new float[count(shape)];
                Arrays.fill(values, (float) mean);
                if (deviation != 0) {
                    var normal = ZigguratSampler.NormalizedGaussian.of(random);
                    for (int i = 0; i < values.length; i++) {
                        values[i] = (float) (mean + deviation * normal.sample());
                    }
                }
                return values;
            };
        }

        private static int count(long[] shape) {
            return Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
        }

        /// @return values, row by row
        float[] values(long[] shape, UniformRandomProvider random);
    }

    /// What is trained, in the order in which it is kept.
    ///
    /// @param out rows of the weight, or [#ANY]
    /// @param in its columns, or [#ANY]
    /// @return empty if which tensors there are depends on sizes that aren't known
    List<Part> parts(long out, long in);

    /// All names that a tensor of this kind of formula may have behind a module's path.
    List<String> suffixes();

    /// Frozen tensors that all modules of an adapter read, by their whole names in PEFT's files.
    /// Their values come from a seed of the formula's.
    ///
    /// @param out most rows of a module's weight
    /// @param in most columns
    default List<Part> shared(long out, long in) {
        return List.of();
    }

    /// Whether adapters' files hold what is [shared][#shared]; else it is made anew.
    default boolean savesShared() {
        return true;
    }

    /// `Δ` in float32, `(out, in)`, in operators that autograd can record, in the current scope.
    ///
    /// @param base `W`
    /// @param values of [#parts], float32
    Tensor delta(Base base, List<Tensor> values);

    /// Whether `Δ` depends on the weight.
    boolean readsWeight();
}
