package org.attune.tensor;

import static org.attune.testing.RandomMatrices.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.tensor.vector.ByteRows;
import org.attune.tensor.vector.CodedRows;
import org.attune.tensor.vector.LevelRows;
import org.attune.testing.Hardware;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.List;
import java.util.Optional;

/// Products that decode panels of a matrix are those with the decoded matrix, whatever the tiles.
class CodedProductTest {
    private static final int BLOCK = 64;

    @BeforeEach
    void needsAProcessor() {
        Hardware.requireProcessor();
    }

    /// Three parts of different kinds.
    private static CodedRows.Stack matrix(TensorScope scope, DType dtype, int out, int in) {
        int first = out / 4;
        int second = out / 2;
        Tensor codes = scope.adopt(Tensor.empty(Device.cpu(), DType.UINT8, (long) first * in / 2));
        long blocks = ((long) first * in + BLOCK - 1) / BLOCK;
        Tensor sizes = scope.adopt(Tensor.empty(Device.cpu(), DType.FLOAT32, blocks));
        LevelRows.Levels.NF4.encode(
                random(out, first, in).memory(), BLOCK, codes.memory(), sizes.memory(), 1);
        int bytes = second - first;
        Tensor whole = scope.adopt(Tensor.empty(Device.cpu(), DType.UINT8, (long) bytes * in));
        Tensor most = scope.adopt(Tensor.empty(Device.cpu(), DType.FLOAT32, bytes));
        ByteRows.encode(random(in, bytes, in).memory(), in, whole.memory(), most.memory(), 1);
        Tensor plain = scope.adopt(random(5, out - second, in).to(dtype).copy());
        return new CodedRows.Stack(
                List.of(
                        new LevelRows(
                                codes.memory(),
                                sizes.memory(),
                                Optional.empty(),
                                LevelRows.Levels.NF4,
                                in,
                                BLOCK,
                                true),
                        new ByteRows(whole.memory(), most.memory(), in, true),
                        new CodedRows.Plain(plain.memory(), in)),
                List.of(first, second, out),
                in);
    }

    private static Tensor decoded(CodedRows.Stack matrix, DType dtype) {
        int out = matrix.ends().getLast();
        Tensor all = Tensor.empty(Device.cpu(), dtype, out, matrix.in());
        long stride = (long) matrix.in() * dtype.bytes();
        for (int i = 0, start = 0; i < 3; start = matrix.ends().get(i++)) {
            matrix.parts()
                    .get(i)
                    .decode(
                            0,
                            matrix.ends().get(i) - start,
                            0,
                            matrix.in(),
                            all.memory().asSlice(start * stride),
                            stride,
                            dtype == DType.BFLOAT16,
                            1);
        }
        return all;
    }

    private static Tensor product(
            CodedRows.Stack matrix, Tensor x, boolean back, Tensor columns, Tensor residual) {
        int n = Math.toIntExact(x.size(0));
        int more = columns == null ? 0 : Math.toIntExact(columns.size(1));
        int width = back ? matrix.in() : matrix.ends().getLast();
        Tensor y = Tensor.full(x.device(), x.dtype(), Double.NaN, n, width);
        long bytes = Kernels.codedBytes(matrix, x.dtype(), back, n, more);
        Tensor memory = Tensor.full(Device.cpu(), DType.FLOAT32, Double.NaN, bytes / Float.BYTES);
        Kernels.coded(matrix, x, back, columns, residual, y, memory);
        return y;
    }

    private static void assertClose(String what, Tensor expected, Tensor found, DType dtype) {
        float[] e = expected.toFloats();
        float[] f = found.to(DType.FLOAT32).toFloats();
        double largest = 0;
        for (float number : e) {
            largest = Math.max(largest, Math.abs(number));
        }
        assertTrue(largest > 0.1, what);
        double within = largest * (dtype == DType.FLOAT32 ? 2e-6 : 1.0 / 256);
        for (int i = 0; i < e.length; i++) {
            assertEquals(e[i], f[i], within, what + ", number " + i);
        }
    }

    private static Tensor floats(Tensor t) {
        return t.to(DType.FLOAT32).contiguous();
    }

    private static int compare(DType dtype, CodedRows.Stack matrix, int rank, int rows) {
        try (var _ = TensorScope.open("compare")) {
            int in = matrix.in();
            int out = matrix.ends().getLast();
            String what = dtype + " " + out + " x " + in + ", rank " + rank + ", rows " + rows;
            Tensor columns = rank == 0 ? null : random(3, out, rank).to(dtype);
            Tensor hx = random(rows, rows, in + rank + 5).to(dtype).narrow(1, 3, (long) in + rank);
            Tensor residual = random(4, rows, out + 1).to(dtype).narrow(1, 1, out);
            Tensor dy = random(5, rows, out + 7).to(dtype).narrow(1, 2, out);
            Tensor base = floats(decoded(matrix, dtype));
            Tensor all = rank == 0 ? base : Tensor.cat(1, base, floats(columns));
            Tensor y = floats(hx).mm(all.t());
            assertClose(what, y, product(matrix, hx, false, columns, null), dtype);
            Tensor sum = y.add(floats(residual));
            assertClose(what, sum, product(matrix, hx, false, columns, residual), dtype);
            Tensor dx = floats(dy).mm(base);
            assertClose(what + ", back", dx, product(matrix, dy, true, null, null), dtype);
            return 3;
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "BFLOAT16"})
    void productsAreThoseOfTheDecodedMatrix(DType dtype) {
        Engine.run(
                () -> {
                    int cases = 0;
                    for (int[] size :
                            new int[][] {
                                {32, 64, 6},
                                {96, 160, 16},
                                {288, 96, 0},
                                {128, 2304, 8},
                                {2304, 96, 2}
                            }) {
                        try (var scope = TensorScope.open("test")) {
                            if (Kernels.servesCoded(dtype, size[0], size[1], size[2])) {
                                CodedRows.Stack matrix = matrix(scope, dtype, size[0], size[1]);
                                for (int rows : new int[] {1, 3, 8, 13, 64, 67, 130}) {
                                    cases += compare(dtype, matrix, size[2], rows);
                                }
                            }
                        }
                    }
                    System.out.println(cases + " products with decoded panels in " + dtype);
                    assertFalse(Kernels.servesCoded(dtype, 40, 64, 0));
                    assertFalse(Kernels.servesCoded(dtype, 64, 40, 0));
                    assertFalse(Kernels.servesCoded(DType.BFLOAT16, 64, 64, 3));
                });
    }

    /// What a row's product is does not depend on the rows and threads beside it.
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "BFLOAT16"})
    void threadsAndNeighboursChangeNoBit(DType dtype) {
        Engine.run(
                () -> {
                    int threads = Engine.threads();
                    try (var scope = TensorScope.open("test")) {
                        if (!Kernels.servesCoded(dtype, 192, 1536, 6)) {
                            return;
                        }
                        CodedRows.Stack matrix = matrix(scope, dtype, 192, 1536);
                        Tensor x = random(1, 700, 1536 + 6).to(dtype);
                        Tensor columns = random(3, 192, 6).to(dtype);
                        Tensor dy = random(2, 700, 192).to(dtype);
                        Engine.ops().setThreads(2);
                        Tensor y = product(matrix, x, false, columns, null);
                        Tensor dx = product(matrix, dy, true, null, null);
                        Engine.ops().setThreads(1);
                        for (int[] some : new int[][] {{0, 700}, {699, 1}, {3, 5}, {64, 32}}) {
                            Tensor own = x.narrow(0, some[0], some[1]);
                            assertSame(
                                    y.narrow(0, some[0], some[1]),
                                    product(matrix, own, false, columns, null));
                            Tensor gradient = dy.narrow(0, some[0], some[1]);
                            assertSame(
                                    dx.narrow(0, some[0], some[1]),
                                    product(matrix, gradient, true, null, null));
                        }
                    } finally {
                        Engine.ops().setThreads(threads);
                    }
                });
    }

    private static void assertSame(Tensor expected, Tensor found) {
        assertArrayEquals(floats(expected).toFloats(), floats(found).toFloats());
    }
}
