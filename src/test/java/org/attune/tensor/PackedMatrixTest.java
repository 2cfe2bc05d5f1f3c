package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ShapeException;
import org.attune.testing.Hardware;
import org.attune.testing.RandomMatrices;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.ValueLayout;

class PackedMatrixTest {
    @BeforeEach
    void needsAFasterLayout() {
        Hardware.requireBfloat16Products();
    }

    private static Tensor random(long seed, int rows, int columns) {
        return RandomMatrices.random(seed, rows, columns).to(DType.BFLOAT16);
    }

    @Test
    void productsAreThoseOfThePlainMatrix() {
        Engine.run(
                () -> {
                    int cases = 0;
                    for (int[] size :
                            new int[][] {
                                {576, 960},
                                {624, 576},
                                {1552, 576},
                                {100, 7},
                                {64, 200},
                                {33, 97},
                                {5121, 97}
                            }) {
                        for (int rows : new int[] {1, 3, 32, 67, 96, 250}) {
                            compare(rows, size[0], size[1], false);
                            compare(rows, size[0], size[1], true);
                            cases += 2;
                        }
                    }
                    System.out.println(cases + " products with packed matrices");
                });
    }

    @Test
    void otherColumnsLeaveTheMatrixsMemoryAsItIs() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        for (int in : new int[] {576, 97}) {
                            PackedMatrix copy = PackedMatrix.of(random(1, 1000, in), 48, scope);
                            byte[] before = bytes(copy);
                            copy.fillMore(random(2, 1000, 48));
                            assertArrayEquals(before, bytes(copy));
                            assertEquals(1000L * (in - in % 2) * Short.BYTES, before.length);
                        }
                        PackedMatrix alone = PackedMatrix.of(random(3, 960, 576), scope);
                        assertEquals(1, alone.matrixMemory().size());
                        assertEquals(960L * 576 * Short.BYTES, bytes(alone).length);
                    }
                });
    }

    private static byte[] bytes(PackedMatrix copy) {
        var bytes = new ByteArrayOutputStream();
        copy.matrixMemory().forEach(m -> bytes.writeBytes(m.toArray(ValueLayout.JAVA_BYTE)));
        return bytes.toByteArray();
    }

    @Test
    void rowsMayStandApart() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        Tensor wide = random(1, 130, 96);
                        Tensor x = wide.narrow(1, 32, 64);
                        Tensor matrix = random(2, 160, 192).narrow(1, 64, 64);
                        float[] apart = PackedMatrix.of(matrix, scope).multiply(x).toFloats();
                        float[] dense =
                                PackedMatrix.of(matrix.contiguous(), scope)
                                        .multiply(x.contiguous())
                                        .toFloats();
                        assertArrayEquals(dense, apart);
                    }
                });
    }

    @Test
    void filledColumnsArePackedOnes() {
        Engine.run(
                () -> {
                    // rows, columns, and how many of these are filled afterwards
                    int[][] sizes = {
                        {960, 624, 48},
                        {3072, 608, 32},
                        {576, 1552, 16},
                        {576, 592, 16},
                        {107, 103, 7},
                        {64, 40, 1},
                        {96, 67, 3},
                        {300, 900, 600}
                    };
                    for (int[] size : sizes) {
                        fill(size[0], size[1], size[2]);
                    }
                });
    }

    private static void fill(int out, int in, int filled) {
        try (var scope = TensorScope.open("test")) {
            Tensor x = random(7, 33, in);
            Tensor all = random(8, out, in);
            Tensor first = all.narrow(1, 0, (long) in - filled);
            var packed = PackedMatrix.of(first, filled, scope);
            String what = filled + " columns of " + out + " x " + in;
            Tensor without = all.copy();
            without.narrow(1, (long) in - filled, filled).zeroInPlace();
            float[] expected = PackedMatrix.of(without, scope).multiply(x).toFloats();
            assertArrayEquals(expected, packed.multiply(x).toFloats(), "none of " + what);
            packed.fillMore(random(9, out, filled)); // others before
            packed.fillMore(all.narrow(1, (long) in - filled, filled));
            expected = PackedMatrix.of(all, scope).multiply(x).toFloats();
            assertArrayEquals(expected, packed.multiply(x).toFloats(), what);
            Tensor xFirst = x.narrow(1, 0, (long) in - filled);
            expected = PackedMatrix.of(first.contiguous(), scope).multiply(xFirst).toFloats();
            assertArrayEquals(expected, packed.multiply(xFirst).toFloats(), "without " + what);
            assertThrows(ShapeException.class, () -> packed.fillMore(x));
            assertThrows(ShapeException.class, () -> packed.fillMore(random(1, out, filled + 2)));
        }
    }

    private static void compare(int rows, int in, int out, boolean transposed) {
        try (var scope = TensorScope.open("test")) {
            Tensor x = random(rows, rows, in);
            Tensor other = random(rows + 1, rows, out);
            Tensor matrix = transposed ? random(in, in, out).t() : random(in, out, in);
            String what = rows + " rows, " + in + " x " + out + (transposed ? ", transposed" : "");
            try (var packed = PackedMatrix.of(matrix, scope)) {
                float[] expected = x.mm(matrix.t()).toFloats();
                float[] product = packed.multiply(x).toFloats();
                close(expected, product, what);
                Tensor sum = x.to(DType.FLOAT32).mm(matrix.to(DType.FLOAT32).t());
                expected = sum.addInPlace(other.to(DType.FLOAT32)).toFloats();
                close(expected, packed.multiply(x, other).toFloats(), what + ", and others");
                assertThrows(ShapeException.class, () -> packed.multiply(other));
                assertThrows(ShapeException.class, () -> packed.multiply(x, matrix));
                matrix.zeroInPlace();
                assertArrayEquals(product, packed.multiply(x).toFloats(), "a copy");
            }
        }
    }

    /// The last bit of bfloat16 may differ.
    private static void close(float[] expected, float[] actual, String what) {
        for (int i = 0; i < expected.length; i++) {
            float tolerance = 1e-5f + Math.abs(expected[i]) / 128;
            assertEquals(expected[i], actual[i], tolerance, what + ", number " + i);
        }
    }

    @Test
    void twoProductsAreAddedInFloat32() {
        Engine.run(
                () -> {
                    for (int rank : new int[] {1, 3, 16, 48, 100}) {
                        try (var scope = TensorScope.open("test")) {
                            Tensor x = random(1, 75, 96);
                            Tensor x2 = random(2, 75, rank);
                            Tensor a = random(3, 200, 96);
                            Tensor b = random(4, rank, 200).t();
                            Tensor sum = product32(x, a).addInPlace(product32(x2, b));
                            PackedMatrix second = PackedMatrix.of(b, scope);
                            Tensor y = PackedMatrix.of(a, scope).multiply(x, x2, second);
                            close(sum.toFloats(), y.toFloats(), "rank " + rank);
                            assertThrows(
                                    ShapeException.class,
                                    () -> second.multiply(x2, x, PackedMatrix.of(x, scope)));
                        }
                    }
                });
    }

    private static Tensor product32(Tensor x, Tensor matrix) {
        return x.to(DType.FLOAT32).mm(matrix.to(DType.FLOAT32).t());
    }

    @Test
    void resultsGoWhereTheyAreWanted() {
        Engine.run(
                () -> {
                    for (int rank : new int[] {1, 3, 16, 48, 100}) {
                        try (var scope = TensorScope.open("test")) {
                            Tensor hx = random(1, 75, 96 + rank + 2);
                            Tensor x = hx.narrow(1, 0, 96).contiguous();
                            Tensor behind = hx.narrow(1, 96 + (long) rank, 2);
                            float[] before = behind.toFloats();
                            var packed = PackedMatrix.of(random(2, rank, 96), scope);
                            Tensor matrix = random(3, rank, 96);
                            packed.replace(matrix);
                            packed.multiplyInto(hx.narrow(1, 0, 96), hx.narrow(1, 96, rank));
                            float[] expected = product32(x, matrix).toFloats();
                            close(expected, hx.narrow(1, 96, rank).toFloats(), "rank " + rank);
                            assertArrayEquals(before, behind.toFloats());
                            assertArrayEquals(x.toFloats(), hx.narrow(1, 0, 96).toFloats());
                            assertThrows(ShapeException.class, () -> packed.replace(hx));
                            assertThrows(ShapeException.class, () -> packed.multiplyInto(x, x));
                        }
                    }
                });
    }

    @Test
    void productsLeaveNothingBehind() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        Tensor x = random(1, 70, 64);
                        Tensor matrix = random(2, 96, 64);
                        long before = TensorScope.liveTensors();
                        try (var packed = PackedMatrix.of(matrix, scope)) {
                            for (int i = 0; i < 3; i++) {
                                packed.multiply(x);
                            }
                            assertEquals(4, TensorScope.liveTensors() - before, "copy, products");
                        }
                        assertEquals(3, TensorScope.liveTensors() - before, "products");
                    }
                });
    }
}
