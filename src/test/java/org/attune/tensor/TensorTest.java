package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ShapeException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class TensorTest {
    private static final Device CPU = Device.cpu();

    private static void onEngine(Runnable body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        body.run();
                    }
                });
    }

    @Test
    void multipliesAndDifferentiates() {
        onEngine(
                () -> {
                    Tensor a = Tensor.of(CPU, new float[] {1, 2, 3, 4}, 2, 2);
                    Tensor b = Tensor.of(CPU, new float[] {5, 6, 7, 8}, 2, 2);
                    assertArrayEquals(new float[] {19, 22, 43, 50}, a.mm(b).toFloats());
                    a.requireGradient(true);
                    try (var _ = Autograd.enabled()) {
                        a.mm(b).sum().backward();
                    }
                    assertArrayEquals(new float[] {11, 15, 11, 15}, a.gradient().toFloats());
                });
    }

    @Test
    void viewsOfViewsStartWhereTheViewStarts() {
        onEngine(
                () -> {
                    Tensor x = Tensor.of(Device.cpu(), new float[] {0, 1, 2, 3, 4, 5}, 6);
                    Tensor view = x.narrow(0, 2, 4).viewAs(new long[] {2}, new long[] {2}, 1);
                    assertArrayEquals(new float[] {3, 5}, view.toFloats());
                });
    }

    @Test
    void directViewsAreThoseOfOperators() {
        onEngine(
                () -> {
                    float[] numbers = new float[60];
                    for (int i = 0; i < numbers.length; i++) {
                        numbers[i] = i;
                    }
                    Tensor x = Tensor.of(CPU, numbers, 3, 4, 5);
                    for (int axis = -3; axis < 3; axis++) {
                        Tensor direct = views(x, axis);
                        try (var _ = Autograd.enabled()) {
                            Tensor operator = views(x, axis);
                            assertArrayEquals(operator.shape(), direct.shape());
                            assertArrayEquals(operator.strides(), direct.strides());
                            assertArrayEquals(operator.toFloats(), direct.toFloats());
                        }
                    }
                    for (long[] wrong :
                            new long[][] {{3, 0, 1}, {-4, 0, 1}, {0, 1, 3}, {0, 0, -1}}) {
                        assertThrows(
                                ShapeException.class,
                                () -> x.narrow((int) wrong[0], wrong[1], wrong[2]));
                    }
                    assertThrows(ShapeException.class, () -> x.transpose(0, 3));
                });
    }

    private static Tensor views(Tensor x, int axis) {
        return x.narrow(axis, 1, 2).transpose(axis, 1).narrow(-1, 0, 2).transpose(-2, -1);
    }

    @Test
    void castsToBfloat16WithGradient() {
        onEngine(
                () -> {
                    Tensor x = Tensor.of(CPU, new float[] {1.5f, -2f}, 2);
                    x.requireGradient(true);
                    try (var _ = Autograd.enabled()) {
                        Tensor y = x.to(DType.BFLOAT16);
                        assertEquals(DType.BFLOAT16, y.dtype());
                        y.mul(3).to(DType.FLOAT32).sum().backward();
                    }
                    assertArrayEquals(new float[] {3, 3}, x.gradient().toFloats());
                });
    }

    @Test
    void refusesWrongShapesWithNamesAndShapes() {
        onEngine(
                () -> {
                    Tensor a = Tensor.zeros(CPU, DType.FLOAT32, 2, 3);
                    String message = assertThrows(ShapeException.class, () -> a.mm(a)).getMessage();
                    assertTrue(message.contains("aten::mm"), message);
                    assertTrue(message.contains("FLOAT32[2, 3]"), message);
                    Tensor c = Tensor.zeros(CPU, DType.FLOAT32, 4);
                    message = assertThrows(ShapeException.class, () -> a.add(c)).getMessage();
                    assertTrue(message.contains("FLOAT32[4]"), message);
                });
    }

    @Test
    void closedTensorsThrow() {
        onEngine(
                () -> {
                    Tensor a = Tensor.zeros(CPU, DType.FLOAT32, 2);
                    a.close();
                    a.close();
                    assertThrows(IllegalStateException.class, a::exp);
                });
    }

    @Test
    void otherThreadsAreRefused() {
        assertThrows(IllegalStateException.class, () -> Tensor.zeros(CPU, DType.FLOAT32, 2));
    }

    @Test
    void scopesFreeWhatTheyOwnAndKeepMovesOut() {
        onEngine(
                () -> {
                    long before = TensorScope.liveBytes();
                    Tensor kept;
                    try (var scope = TensorScope.open("inner")) {
                        Tensor x = Tensor.zeros(CPU, DType.FLOAT32, 10);
                        kept = scope.keep(x.add(1));
                    }
                    assertEquals(before + 40, TensorScope.liveBytes());
                    assertEquals(10, kept.sum().item());
                });
    }

    @Tag("thorough")
    @Test
    void failingCallsLeakNothing() {
        onEngine(
                () -> {
                    Tensor a = Tensor.zeros(CPU, DType.FLOAT32, 2, 3);
                    long tensors = TensorScope.liveTensors();
                    for (int i = 0; i < 1000; i++) {
                        assertThrows(ShapeException.class, () -> a.mm(a));
                    }
                    assertEquals(tensors, TensorScope.liveTensors());
                });
    }
}
