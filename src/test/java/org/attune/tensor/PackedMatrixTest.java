package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.error.ShapeException;
import org.attune.testing.RandomMatrices;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PackedMatrixTest {
    @BeforeEach
    void needsAFasterLayout() {
        assumeTrue(Engine.call(() -> PackedMatrix.isUseful(Device.cpu(), DType.BFLOAT16)));
    }

    private static Tensor random(long seed, int rows, int columns) {
        return RandomMatrices.random(seed, rows, columns).to(DType.BFLOAT16);
    }

    @Test
    void productsAreThoseOfThePlainMatrix() {
        Engine.run(
                () -> {
                    for (int[] size : new int[][] {{576, 960}, {624, 576}, {1552, 576}, {100, 7}}) {
                        for (int rows : new int[] {1, 3, 32, 250}) {
                            compare(rows, size[0], size[1]);
                        }
                    }
                });
    }

    @Test
    void replacedColumnsArePackedOnes() {
        Engine.run(
                () -> {
                    // rows, columns, and how many of these are replaced
                    int[][] sizes = {
                        {960, 624, 48},
                        {3072, 608, 32},
                        {576, 1552, 16},
                        {576, 592, 16},
                        {107, 103, 7},
                        {64, 40, 1},
                        {300, 900, 600}
                    };
                    for (int[] size : sizes) {
                        replace(size[0], size[1], size[2]);
                    }
                });
    }

    private static void replace(int out, int in, int replaced) {
        try (var scope = TensorScope.open("test")) {
            Tensor x = random(7, 33, in);
            Tensor old = random(8, out, in);
            Tensor changed = old.copy();
            Tensor last = random(9, out, replaced);
            changed.narrow(1, (long) in - replaced, replaced).copyInPlace(last);
            var packed = PackedMatrix.of(old, scope);
            String what = replaced + " columns of " + out + " x " + in;
            assertTrue(packed.replaceLastColumns(last), what);
            float[] expected = PackedMatrix.of(changed, scope).multiply(x).toFloats();
            assertArrayEquals(expected, packed.multiply(x).toFloats(), what);
            assertThrows(ShapeException.class, () -> packed.replaceLastColumns(x));
        }
    }

    private static void compare(int rows, int in, int out) {
        try (var scope = TensorScope.open("test")) {
            Tensor x = random(rows, rows, in);
            Tensor matrix = random(in, out, in);
            long before = TensorScope.liveTensors();
            try (var packed = PackedMatrix.of(matrix, scope)) {
                float[] expected = x.mm(matrix.t()).toFloats();
                float[] product = packed.multiply(x).toFloats();
                for (int i = 0; i < expected.length; i++) { // the last bit of bfloat16 may differ
                    float tolerance = 1e-5f + Math.abs(expected[i]) / 128;
                    assertEquals(expected[i], product[i], tolerance, rows + " rows, number " + i);
                }
                assertThrows(ShapeException.class, () -> packed.multiply(matrix.t()));
                matrix.zeroInPlace();
                assertArrayEquals(product, packed.multiply(x).toFloats(), "a copy");
            }
            assertEquals(5, TensorScope.liveTensors() - before, "views and products only");
        }
    }
}
