package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class LargePagesTest {
    private static final int MANY = 3 << 20;

    @Test
    void whatWasTakenStandsApartAndStays() {
        Engine.run(
                () -> {
                    long before = TensorScope.liveBytes();
                    try (var scope = TensorScope.open("test")) {
                        Tensor a;
                        Tensor b;
                        try (var memory =
                                new LargePages(Device.cpu(), DType.FLOAT32, MANY + 7, 2)) {
                            a = memory.take(scope, MANY);
                            b = memory.take(scope, 1, 7);
                        }
                        a.fillInPlace(1);
                        b.fillInPlace(2);
                        assertEquals(
                                0, VectorKernels.address(b) % 64 - VectorKernels.address(a) % 64);
                        assertEquals(MANY, a.sum().toFloats()[0]);
                        assertArrayEquals(new long[] {1, 7}, b.shape());
                        assertEquals(14, b.sum().toFloats()[0]);
                    }
                    assertEquals(before, TensorScope.liveBytes());
                });
    }

    @Test
    void refusesMoreThanThereIsRoomFor() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test");
                            var memory = new LargePages(Device.cpu(), DType.FLOAT32, 100, 1)) {
                        memory.take(scope, 100);
                        assertThrows(IllegalStateException.class, () -> memory.take(scope, 1, 20));
                    }
                });
    }
}
