package org.attune.tensor;

import org.attune.error.ConfigException;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/// Whether a libtorch that isn't Attune's own gives right numbers: every way of passing arguments
/// is taken once, with four numbers. Whole numbers and halves, so results are exact. Takes about a
/// millisecond.
final class SelfCheck {
    private static final Device CPU = Device.cpu();

    private SelfCheck() {}

    /// @param libtorch its name in the message
    /// @throws ConfigException if a result is wrong
    static void run(Object libtorch) {
        try (var _ = TensorScope.open("self-check")) {
            Tensor x = Tensor.of(CPU, new float[] {1, 2, 3, 4}, 2, 2);
            checks(x).forEach((what, check) -> check(libtorch, what, check));
        }
    }

    private static Map<String, Check> checks(Tensor x) {
        Map<String, Check> checks = new LinkedHashMap<>();
        checks.put("a product", new Check(() -> x.mm(x), 7, 10, 15, 22));
        checks.put("a sum", new Check(() -> x.add(x.mul(0.5)), 1.5, 3, 4.5, 6));
        checks.put("a difference", new Check(() -> x.sub(x.mul(0.5)), 0.5, 1, 1.5, 2));
        checks.put("a sum in place", new Check(() -> x.copy().addInPlace(x), 2, 4, 6, 8));
        checks.put("sums of an axis", new Check(() -> x.sum(0, false), 4, 6));
        checks.put("means of an axis", new Check(() -> x.mean(1, true), 1.5, 3.5));
        checks.put("largest elements", new Check(() -> x.argmax(1), 1, 1));
        checks.put(
                "a concatenation",
                new Check(() -> Tensor.cat(0, x.select(0, 1), x.select(1, 0)), 3, 4, 1, 3));
        checks.put("another dtype", new Check(() -> x.mul(1.001).to(DType.BFLOAT16), 1, 2, 3, 4));
        checks.put("swapped axes", new Check(() -> x.permute(1, 0).reshape(4), 1, 3, 2, 4));
        checks.put("a gradient", new Check(() -> gradient(x), 4, 8, 12, 16));
        return checks;
    }

    /// The gradient of the sum of `(2 x)² / 2`.
    private static Tensor gradient(Tensor x) {
        Tensor leaf = x.copy().requireGradient(true);
        try (var _ = Autograd.enabled()) {
            leaf.square().mul(2).sum().backward();
        }
        return leaf.gradient();
    }

    private record Check(Supplier<Tensor> call, double... expected) {}

    private static void check(Object libtorch, String what, Check check) {
        double[] got = check.call().get().toDoubles();
        if (!Arrays.equals(got, check.expected())) {
            throw new ConfigException(
                    "libtorch %s gives wrong numbers: %s is %s, should be %s. Use another (docs/cuda.md)"
                            .formatted(
                                    libtorch,
                                    what,
                                    Arrays.toString(got),
                                    Arrays.toString(check.expected())));
        }
    }
}
