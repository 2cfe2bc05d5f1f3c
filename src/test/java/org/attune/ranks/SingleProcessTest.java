package org.attune.ranks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ShapeException;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.Test;

final class SingleProcessTest {
    private final Collective one = new SingleProcess();

    @Test
    void givesBackWhatItGets() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor values = Tensor.of(Device.cpu(), new float[] {1, 2, 3}, 3);
                        Tensor other = Tensor.zeros(Device.cpu(), DType.FLOAT32, 3);
                        one.allReduce("sum", values);
                        one.broadcast("values", values, 0);
                        one.reduceScatter("part", values, new int[] {3}, other);
                        assertArrayEquals(new float[] {1, 2, 3}, other.toFloats());
                        other.zeroInPlace();
                        one.allGather("whole", values, other);
                        assertArrayEquals(new float[] {1, 2, 3}, other.toFloats());
                    }
                });
        assertArrayEquals(new double[][] {{4, 5}}, one.allGather("numbers", 4, 5));
        assertArrayEquals(new byte[][] {{6}}, one.allGather("bytes", new byte[] {6}));
        assertTrue(one.any("stop", true));
        assertFalse(one.any("stop", false));
        assertTrue(one.writes());
        assertEquals("this process", one.where(0));
        assertEquals(RankTimes.NONE, one.times());
    }

    @Test
    void refusesWhatOthersWouldRefuse() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor three = Tensor.of(Device.cpu(), new float[] {1, 2, 3}, 3);
                        Tensor four = Tensor.zeros(Device.cpu(), DType.FLOAT32, 2, 2);
                        Tensor whole = Tensor.of(Device.cpu(), new long[] {1, 2, 3}, 3);
                        assertThrows(ShapeException.class, () -> one.allGather("x", three, four));
                        assertThrows(ShapeException.class, () -> one.allReduce("x", whole));
                        assertThrows(ShapeException.class, () -> one.allReduce("x", four.t()));
                    }
                });
        assertThrows(IndexOutOfBoundsException.class, () -> one.where(1));
    }
}
