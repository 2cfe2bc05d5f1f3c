package org.attune.tensor;

import static org.attune.testing.RandomMatrices.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ShapeException;
import org.attune.tensor.vector.ByteRows;
import org.attune.testing.Hardware;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;

/// Products in two digits have the bits of a plain loop, whatever the tiles.
class DigitMatrixTest {
    private static final int RANK = 8;

    @BeforeEach
    void needsProductsOfBytes() {
        Hardware.requireByteProducts();
    }

    /// A matrix in both orders.
    private record Weights(int out, int in, byte[] codes, float[] sizes, DigitMatrix matrix) {
        static Weights of(TensorScope scope, int out, int in) {
            Tensor codes = scope.adopt(Tensor.empty(Device.cpu(), DType.UINT8, (long) out * in));
            Tensor sizes = scope.adopt(Tensor.empty(Device.cpu(), DType.FLOAT32, out));
            Tensor numbers = random(out + in, out, in);
            ByteRows.encode(numbers.memory(), in, codes.memory(), sizes.memory(), 1);
            int first = out / 2;
            List<ByteRows> parts =
                    List.of(
                            new ByteRows(
                                    codes.memory().asSlice(0, (long) first * in),
                                    sizes.memory().asSlice(0, 4L * first),
                                    in,
                                    true),
                            new ByteRows(
                                    codes.memory().asSlice((long) first * in),
                                    sizes.memory().asSlice(4L * first),
                                    in,
                                    true));
            return new Weights(
                    out,
                    in,
                    codes.memory().toArray(ValueLayout.JAVA_BYTE),
                    sizes.toFloats(),
                    DigitMatrix.of(scope, parts, out));
        }

        float scale(int row) {
            return sizes[row] * (1f / 127);
        }

        int code(int row, int column) {
            return codes[row * in + column];
        }

        /// A row's product with the matrix's columns, or on the way back with its rows.
        float[] product(float[] x, boolean back) {
            int depth = back ? out : in;
            float most = 1e-30f;
            var own = new float[depth];
            for (int k = 0; k < depth; k++) {
                own[k] = back ? x[k] * scale(k) : x[k];
                most = Math.max(most, Math.abs(own[k]));
            }
            var whole = new int[depth];
            for (int k = 0; k < depth; k++) {
                whole[k] = (int) Math.rint((double) own[k] * (32512 / most));
            }
            var y = new float[back ? in : out];
            for (int j = 0; j < y.length; j++) {
                int high = 0;
                int low = 0;
                for (int k = 0; k < depth; k++) {
                    int code = back ? code(k, j) : code(j, k);
                    int digit = Math.floorMod(whole[k] + 128, 256) - 128;
                    low += digit * code;
                    high += (whole[k] - digit) / 256 * code;
                }
                y[j] = Math.fma(high, 256f, low) * (back ? 1 : scale(j)) * (most / 32512);
            }
            return y;
        }
    }

    private static float[] row(float[] all, int row, int width) {
        return Arrays.copyOfRange(all, row * width, (row + 1) * width);
    }

    private static int compare(Weights w, int rows) {
        Tensor wide = random(rows, rows, w.in() + RANK + 5);
        Tensor hx = wide.narrow(1, 3, (long) w.in() + RANK);
        Tensor x = hx.narrow(1, 0, w.in());
        Tensor b = random(3, w.out(), RANK);
        Tensor residual = random(4, rows, w.out() + 1).narrow(1, 1, w.out());
        Tensor dy = random(5, rows, w.out() + 7).narrow(1, 2, w.out());
        float[] bare = w.matrix().multiply(x, null, null).toFloats();
        float[] full = w.matrix().multiply(hx, w.matrix().expanding(b), residual).toFloats();
        float[] back = w.matrix().multiplyBack(dy).toFloats();
        float[] xs = x.contiguous().toFloats();
        float[] us = hx.narrow(1, w.in(), RANK).contiguous().toFloats();
        float[] bs = b.toFloats();
        float[] others = residual.contiguous().toFloats();
        float[] dys = dy.contiguous().toFloats();
        for (int r = 0; r < rows; r++) {
            float[] expected = w.product(row(xs, r, w.in()), false);
            String what = w.out() + " x " + w.in() + ", row " + r + " of " + rows;
            assertArrayEquals(expected, row(bare, r, w.out()), what);
            for (int j = 0; j < w.out(); j++) {
                float update = 0;
                for (int k = 0; k < RANK; k++) {
                    update = Math.fma(us[r * RANK + k], bs[j * RANK + k], update);
                }
                expected[j] = expected[j] + update + others[r * w.out() + j];
            }
            assertArrayEquals(expected, row(full, r, w.out()), what + ", with an adapter");
            float[] gradient = w.product(row(dys, r, w.out()), true);
            assertArrayEquals(gradient, row(back, r, w.in()), what + ", back");
        }
        return 3 * rows;
    }

    @Test
    void productsHaveTheBitsOfAPlainLoop() {
        Engine.run(
                () -> {
                    int cases = 0;
                    for (int[] size : new int[][] {{32, 64}, {96, 160}, {288, 96}, {128, 256}}) {
                        try (var scope = TensorScope.open("test")) {
                            Weights w = Weights.of(scope, size[0], size[1]);
                            for (int rows : new int[] {1, 2, 5, 8, 13, 64, 67, 130}) {
                                cases += compare(w, rows);
                            }
                        }
                    }
                    try (var scope = TensorScope.open("test")) {
                        cases += compare(Weights.of(scope, 6144, 96), 3); // turned in parts
                    }
                    System.out.println(cases + " rows of products in digits");
                });
    }

    @Test
    void threadsAndNeighboursChangeNoBit() {
        Engine.run(
                () -> {
                    int threads = Engine.threads();
                    try (var scope = TensorScope.open("test")) {
                        Weights w = Weights.of(scope, 576, 192);
                        Tensor x = random(1, 700, 192);
                        Tensor dy = random(2, 700, 576);
                        Engine.ops().setThreads(2);
                        float[] y = w.matrix().multiply(x, null, null).toFloats();
                        float[] dx = w.matrix().multiplyBack(dy).toFloats();
                        Engine.ops().setThreads(1);
                        assertArrayEquals(y, w.matrix().multiply(x, null, null).toFloats());
                        assertArrayEquals(dx, w.matrix().multiplyBack(dy).toFloats());
                        Tensor last = x.narrow(0, 699, 1);
                        assertArrayEquals(
                                row(y, 699, 576), w.matrix().multiply(last, null, null).toFloats());
                    } finally {
                        Engine.ops().setThreads(threads);
                    }
                });
    }

    @Test
    void numbersAreThoseOfTheDecodedMatrix() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        Weights w = Weights.of(scope, 576, 1536);
                        Tensor dense = Tensor.empty(Device.cpu(), DType.FLOAT32, 576, 1536);
                        w.matrix().decode(0, dense);
                        float[] numbers = dense.toFloats();
                        for (int i = 0; i < numbers.length; i++) {
                            float own = w.codes()[i] * w.sizes()[i / 1536] * (1f / 127);
                            assertEquals(own, numbers[i]);
                        }
                        float[] large = random(7, 100, 1536).toFloats();
                        for (int i = 0; i < large.length; i++) {
                            large[i] *= i % 1536 % 97 == 0 ? 30 : 1;
                        }
                        Tensor x = Tensor.of(Device.cpu(), large, 100, 1536);
                        assertError(x.mm(dense.t()), w.matrix().multiply(x, null, null));
                        Tensor dy = random(8, 100, 576);
                        assertError(dy.mm(dense), w.matrix().multiplyBack(dy));
                    }
                });
    }

    private static void assertError(Tensor expected, Tensor found) {
        double size = expected.square().sum().item();
        double error = found.sub(expected).square().sum().item();
        assertTrue(size > 1);
        assertTrue(Math.sqrt(error / size) < 3e-4, "" + Math.sqrt(error / size));
    }

    @Test
    void whatIsNoNumberStaysNone() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        Weights w = Weights.of(scope, 64, 64);
                        float[] x = new float[4 * 64];
                        x[64 + 3] = Float.NaN;
                        x[2 * 64 + 5] = Float.POSITIVE_INFINITY;
                        x[3 * 64 + 7] = 1e-38f;
                        float[] y =
                                w.matrix()
                                        .multiply(Tensor.of(Device.cpu(), x, 4, 64), null, null)
                                        .toFloats();
                        for (int i = 0; i < 64; i++) {
                            assertEquals(0, y[i]);
                            assertTrue(Float.isNaN(y[64 + i]));
                            assertTrue(!Float.isFinite(y[2 * 64 + i]));
                            assertEquals(0, y[3 * 64 + i], 1e-34);
                        }
                    }
                });
    }

    @Test
    void otherShapesAreRefused() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        DigitMatrix matrix = Weights.of(scope, 64, 96).matrix();
                        Tensor x = random(1, 3, 64);
                        assertThrows(ShapeException.class, () -> matrix.multiply(x, null, null));
                        assertThrows(
                                ShapeException.class,
                                () -> matrix.multiplyBack(x.to(DType.BFLOAT16)));
                        assertTrue(!DigitMatrix.isUseful(DType.FLOAT32, 64, 72));
                        assertTrue(!DigitMatrix.isUseful(DType.BFLOAT16, 64, 64));
                    }
                });
    }
}
