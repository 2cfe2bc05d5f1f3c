package org.attune.tensor;

import static org.attune.testing.RandomMatrices.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ShapeException;
import org.junit.jupiter.api.Test;

class ScaledCopiesTest {
    private static final double FACTOR = 1.7;

    @Test
    void copiesAreWhatOperatorsGive() {
        Engine.run(
                () -> {
                    // dense matrices, rows of whole vectors, and rows that no kernel takes
                    for (int[] size : new int[][] {{16, 576}, {960, 16}, {2048, 1024}, {7, 5}}) {
                        for (DType dtype : new DType[] {DType.BFLOAT16, DType.FLOAT32}) {
                            compare(size[0], size[1], dtype, false);
                            compare(size[0], size[1], dtype, true);
                        }
                    }
                });
    }

    /// @param apart whether the copy is a part of a wider matrix, whose rest must stay
    private static void compare(int rows, int columns, DType dtype, boolean apart) {
        try (var scope = TensorScope.open("test");
                var copies = new ScaledCopies(scope)) {
            int more = apart ? 9 : 0;
            Tensor from = random(3, rows, columns);
            Tensor wide = Tensor.full(Device.cpu(), dtype, 2, rows, columns + more);
            Tensor again = Tensor.full(Device.cpu(), dtype, 2, rows, columns + more);
            Tensor to = wide.narrow(1, 0, columns);
            copies.add(from, FACTOR, to);
            copies.add(to, 1, again.narrow(1, more, columns));
            long before = TensorScope.liveTensors();
            for (int i = 0; i < 3; i++) {
                from.mulInPlace(-1.1);
                copies.run();
                copies.run(); // the second copy is one of the first, and they have no order
            }
            assertEquals(before, TensorScope.liveTensors());
            String what = rows + " x " + columns + " " + dtype + (apart ? " apart" : "");
            float[] expected = from.mul(FACTOR).to(dtype).toFloats();
            assertArrayEquals(expected, to.toFloats(), what);
            assertArrayEquals(expected, again.narrow(1, more, columns).toFloats(), what);
            if (apart) {
                float[] rest = wide.narrow(1, columns, more).toFloats();
                assertArrayEquals(
                        Tensor.full(Device.cpu(), dtype, 2, rows, more).toFloats(), rest, what);
            }
        }
    }

    @Test
    void otherShapesAreRefused() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test");
                            var copies = new ScaledCopies(scope)) {
                        Tensor from = random(3, 4, 16);
                        assertThrows(
                                ShapeException.class, () -> copies.add(from, 1, random(3, 16, 4)));
                    }
                });
    }
}
