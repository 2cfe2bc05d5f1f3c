package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ShapeException;
import org.attune.tensor.vector.DropoutPart;
import org.attune.tensor.vector.KeptNumbers;
import org.attune.testing.Hardware;
import org.attune.testing.RandomMatrices;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// Products of an adapter's matrices whose input has dropout, against plain ones of float32.
class DroppedProductTest {
    private static final int DROPPED = KeptNumbers.ALL / 4;
    private static final double FACTOR = 4.0 / 3;
    private static final int[][] RANKS = {{16}, {16, 16, 16}, {2, 30, 8}, {128, 64}, {40, 40, 40}};

    @BeforeEach
    void needsProducts() {
        Hardware.requireBfloat16Products();
    }

    /// An input of `n` rows and `in` numbers, and matrices of some ranks that read it.
    private record Case(int n, int in, int[] ranks, TensorScope scope) {
        int rows() {
            return IntStream.of(ranks).sum();
        }

        List<DropoutPart> parts() {
            List<DropoutPart> parts = new ArrayList<>();
            int first = 0;
            for (int rank : ranks) {
                var kept = KeptNumbers.of(7, "part " + parts.size(), DROPPED);
                parts.add(new DropoutPart(kept, first, rank));
                first += rank;
            }
            return parts;
        }

        /// Ones and zeros, found number by number.
        Tensor mask(DropoutPart part) {
            float[] ones = new float[n * in];
            for (int i = 0; i < ones.length; i++) {
                int column = i % in;
                long four = part.kept().four(i / in, in, column / KeptNumbers.TOGETHER);
                ones[i] = four >>> column % KeptNumbers.TOGETHER * Short.SIZE & 1;
            }
            return Tensor.of(Device.cpu(), ones, n, in);
        }

        @Override
        public String toString() {
            return "%d rows of %d, ranks %s".formatted(n, in, Arrays.toString(ranks));
        }
    }

    private static void each(Consumer<Case> check) {
        int[] cases = {0};
        Engine.run(
                () -> {
                    for (int n : new int[] {1, 7, 64, 67, 300}) {
                        for (int in : new int[] {32, 96, 576}) {
                            for (int[] ranks : RANKS) {
                                try (var scope = TensorScope.open("test")) {
                                    check.accept(new Case(n, in, ranks, scope));
                                    cases[0]++;
                                }
                            }
                        }
                    }
                });
        System.out.println(cases[0] + " products with dropout");
    }

    /// With garbage behind each row.
    private static Tensor random(long seed, int rows, int columns) {
        return RandomMatrices.random(seed, rows, columns + 2)
                .to(DType.BFLOAT16)
                .narrow(1, 0, columns);
    }

    private static Tensor wide(Tensor x) {
        return x.to(DType.FLOAT32).contiguous();
    }

    private static void close(Tensor expected, Tensor seen, double part, Object what) {
        float[] numbers = wide(expected).toFloats();
        float largest = 0;
        for (float v : numbers) {
            largest = Math.max(largest, Math.abs(v));
        }
        assertArrayEquals(numbers, wide(seen).toFloats(), (float) (largest * part), what::toString);
    }

    @Test
    void inputsLoseNumbersBeforeTheFirstProduct() {
        each(
                c -> {
                    Tensor x = random(1, c.n, c.in);
                    Tensor matrix = random(2, c.rows(), c.in);
                    Tensor u = random(3, c.n, c.rows());
                    PackedMatrix.of(matrix, c.scope).multiplyDropped(x, c.parts(), FACTOR, u);
                    for (DropoutPart p : c.parts()) {
                        Tensor a = wide(matrix.narrow(0, p.first(), p.count()));
                        Tensor expected = wide(x).mul(c.mask(p)).mm(a.t()).mul(FACTOR);
                        close(expected, u.narrow(1, p.first(), p.count()), 1 / 200.0, c);
                    }
                });
    }

    @Test
    void gradientsOfInputsLoseTheSameNumbers() {
        each(
                c -> {
                    Tensor dy = random(1, c.n, 40);
                    Tensor back = random(2, c.in, 40);
                    Tensor du = random(3, c.n, c.rows());
                    Tensor matrix = random(4, c.rows(), c.in);
                    Tensor seen =
                            PackedMatrix.of(back, c.scope)
                                    .multiply(
                                            dy,
                                            du,
                                            PackedMatrix.of(matrix.t(), c.scope),
                                            c.parts(),
                                            FACTOR);
                    Tensor expected = wide(dy).mm(wide(back).t());
                    for (DropoutPart p : c.parts()) {
                        Tensor d = wide(du.narrow(1, p.first(), p.count()));
                        Tensor a = wide(matrix.narrow(0, p.first(), p.count()));
                        expected.addInPlace(d.mm(a).mul(c.mask(p)).mul(FACTOR));
                    }
                    close(expected, seen, 1 / 200.0, c);
                });
    }

    @Test
    void gradientsOfMatricesAreThoseOfInputsThatLostThem() {
        each(
                c -> {
                    Tensor x = random(1, c.n, c.in);
                    Tensor du = random(2, c.n, c.rows());
                    List<OuterProducts.Product> products = new ArrayList<>();
                    List<Tensor> expected = new ArrayList<>();
                    List<Tensor> seen = new ArrayList<>();
                    for (DropoutPart p : c.parts()) {
                        Tensor d = du.narrow(1, p.first(), p.count());
                        Tensor sum = RandomMatrices.random(3, p.count(), c.in);
                        expected.add(
                                sum.copy()
                                        .addInPlace(
                                                wide(d).t()
                                                        .mm(wide(x).mul(c.mask(p)))
                                                        .mul(FACTOR)));
                        var target = new OuterProducts.Target(sum, FACTOR, 0);
                        products.add(new OuterProducts.Product(d, x, List.of(target), p.kept()));
                        seen.add(sum);
                    }
                    OuterProducts.add(products);
                    for (int i = 0; i < seen.size(); i++) {
                        close(expected.get(i), seen.get(i), 1e-5, c);
                    }
                });
    }

    @Test
    void whatIsNotServedIsRefused() {
        assertTrue(PackedMatrix.servesDropout(576, List.of(16, 8)));
        assertFalse(PackedMatrix.servesDropout(576, List.of(16, 7)));
        assertFalse(PackedMatrix.servesDropout(576, List.of(130)));
        assertFalse(PackedMatrix.servesDropout(570, List.of(16)));
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor x = random(1, 4, 40);
                        Tensor du = random(2, 4, 16);
                        Tensor sum = RandomMatrices.random(3, 16, 40);
                        var product =
                                new OuterProducts.Product(
                                        du,
                                        x,
                                        List.of(new OuterProducts.Target(sum, 1, 0)),
                                        KeptNumbers.of(7, "", DROPPED));
                        assertThrows(
                                ShapeException.class, () -> OuterProducts.add(List.of(product)));
                    }
                });
    }
}
