package org.attune.tensor;

import static org.attune.testing.RandomMatrices.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ShapeException;
import org.attune.tensor.vector.OuterSums;
import org.junit.jupiter.api.Test;

import java.util.List;

class OuterProductsTest {
    /// Of all but the first rows, columns and factors differ in what kernels treat alike.
    private static final int[] ROWS = {1, 2, 31, 64, 255, 256, 257, 600};

    private static final int[] WIDTHS = {16, 64, 90, 130};

    @Test
    void sumsAreThoseOfProductsInFloat32() {
        int[] cases = {0};
        Engine.run(
                () -> {
                    for (DType dtype : new DType[] {DType.BFLOAT16, DType.FLOAT32}) {
                        for (int n : ROWS) {
                            for (int width : WIDTHS) {
                                for (int rank : new int[] {3, 16, 48, 200}) {
                                    addOne(n, rank, width, dtype, false);
                                    addOne(n, rank, width, dtype, true);
                                    cases[0] += 2;
                                }
                            }
                        }
                    }
                });
        System.out.println(cases[0] + " sums of outer products");
    }

    /// A processor without products of bfloat16 numbers, and products of many columns, round.
    private static boolean isRounded(int rank, DType dtype) {
        boolean few = rank <= OuterSums.MOST_RANK;
        return dtype == DType.BFLOAT16
                && !(few && PackedMatrix.isUseful(Device.cpu(), DType.BFLOAT16));
    }

    private static Tensor of(long seed, int rows, int columns, DType dtype) {
        return random(seed, rows, columns).to(dtype);
    }

    /// @param turned whether the sum is a transposed view
    private static void addOne(int n, int rank, int width, DType dtype, boolean turned) {
        try (var _ = TensorScope.open("test")) {
            Tensor a = of(1, n, rank + 2, dtype).narrow(1, 1, rank);
            Tensor b = of(2, n, width + 5, dtype).narrow(1, 3, width);
            Tensor sum = turned ? random(3, width, rank).t() : random(3, rank, width);
            Tensor expected = expected(sum, a, b, 0.5);
            OuterProducts.add(List.of(OuterProducts.Product.of(sum, a, b, 0.5)));
            String what = "%d rows, %d x %d, turned: %s".formatted(n, rank, width, turned);
            close(expected, sum, isRounded(rank, dtype), what);
        }
    }

    private static Tensor expected(Tensor sum, Tensor a, Tensor b, double factor) {
        Tensor product = a.to(DType.FLOAT32).contiguous().t().mm(b.to(DType.FLOAT32).contiguous());
        return sum.contiguous().copy().addInPlace(product.mul(factor));
    }

    /// @param rounded whether what was added has been a bfloat16 number, of 8 bits
    private static void close(Tensor expected, Tensor actual, boolean rounded, String what) {
        float[] numbers = expected.contiguous().toFloats();
        float largest = 1;
        for (float number : numbers) {
            largest = Math.max(largest, Math.abs(number));
        }
        float tolerance = rounded ? (largest + 1) / 128 : 1e-4f;
        assertArrayEquals(numbers, actual.contiguous().toFloats(), tolerance, what);
    }

    @Test
    void severalAtOnceAreTheSameAsOneByOne() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor a = of(1, 300, 48, DType.BFLOAT16);
                        Tensor x = of(2, 300, 576, DType.BFLOAT16);
                        Tensor u = of(3, 300, 16, DType.BFLOAT16);
                        Tensor dy = of(4, 300, 200, DType.BFLOAT16);
                        Tensor first = random(5, 16, 576);
                        Tensor second = random(6, 32, 576);
                        Tensor third = random(7, 200, 16);
                        Tensor expected1 = expected(first, a.narrow(1, 0, 16), x, 2);
                        Tensor expected2 = expected(second, a.narrow(1, 16, 32), x, 3);
                        Tensor expected3 = expected(third.t(), u, dy, 1);
                        OuterProducts.add(
                                List.of(
                                        new OuterProducts.Product(
                                                a,
                                                x,
                                                List.of(
                                                        new OuterProducts.Target(first, 2, 0),
                                                        new OuterProducts.Target(second, 3, 16))),
                                        OuterProducts.Product.of(third.t(), u, dy, 1)));
                        boolean rounded = isRounded(48, DType.BFLOAT16);
                        close(expected1, first, rounded, "first");
                        close(expected2, second, rounded, "second");
                        close(expected3, third.t(), rounded, "third");
                    }
                });
    }

    /// Rows that fill the last ones up must be zeros, whatever was in the memory.
    @Test
    void whatStoodInTheMemoryBeforeDoesNotCount() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor nothing =
                                Tensor.full(Device.cpu(), DType.BFLOAT16, Float.NaN, 256, 64);
                        for (int n : new int[] {1, 30, 33, 95}) {
                            for (int rank : new int[] {16, 20}) {
                                Tensor lost = random(3, rank, 64);
                                Tensor garbage = nothing.narrow(1, 0, rank);
                                OuterProducts.add(
                                        List.of(
                                                OuterProducts.Product.of(
                                                        lost, garbage, nothing, 1)));
                                assertTrue(Float.isNaN(lost.toFloats()[0]));
                                addOne(n, rank, 64, DType.BFLOAT16, false);
                            }
                        }
                    }
                });
    }

    @Test
    void otherShapesAreRefused() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor a = of(1, 4, 3, DType.BFLOAT16);
                        Tensor b = of(2, 4, 32, DType.BFLOAT16);
                        for (int[] shape : new int[][] {{4, 32}, {3, 31}}) {
                            Tensor sum = random(3, shape[0], shape[1]);
                            var product = OuterProducts.Product.of(sum, a, b, 1);
                            assertThrows(
                                    ShapeException.class,
                                    () -> OuterProducts.add(List.of(product)));
                        }
                        Tensor fewer = of(2, 3, 32, DType.BFLOAT16);
                        var product = OuterProducts.Product.of(random(3, 3, 32), a, fewer, 1);
                        assertThrows(
                                ShapeException.class, () -> OuterProducts.add(List.of(product)));
                    }
                });
    }
}
