package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ShapeException;
import org.attune.testing.ProcessMemory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.List;

/// A refused native call is an exception and nothing else.
class FailingCallsTest {
    private static final Device CPU = Device.cpu();
    private static final int CALLS = 100_000;
    private static final long SLACK = 24L << 20; // noise of the Java heap; 250 bytes a call

    private static void onEngine(Runnable body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        body.run();
                    }
                });
    }

    /// Calls on all roads that libtorch refuses.
    private static List<Runnable> failures() {
        Tensor a = Tensor.zeros(CPU, DType.FLOAT32, 2, 3);
        Tensor half = Tensor.zeros(CPU, DType.BFLOAT16, 3, 3);
        Tensor far = Tensor.of(CPU, new long[] {1_000_000}, 1);
        return List.of(
                () -> a.mm(a),
                () -> a.mm(half),
                () -> a.add(half.narrow(1, 0, 2)),
                () -> a.reshape(7),
                () -> a.indexSelect(0, far),
                () -> a.narrow(0, 1, 5),
                () -> a.argmax(4),
                () -> Kernels.addmm(a, a, a, 1, 1),
                () -> Tensor.cat(0, a, half.narrow(1, 0, 2)),
                () -> a.topK(50));
    }

    @Test
    @Tag("slow")
    void aHundredThousandOfThemLeaveMemoryFlat() {
        onEngine(
                () -> {
                    List<Runnable> failures = failures();
                    for (int i = 0; i < 2000; i++) {
                        assertThrows(ShapeException.class, failures.get(i % failures.size())::run);
                    }
                    ProcessMemory.settle();
                    long resident = ProcessMemory.residentBytes();
                    long bytes = TensorScope.liveBytes();
                    long tensors = TensorScope.liveTensors();
                    for (int i = 0; i < CALLS; i++) {
                        assertThrows(ShapeException.class, failures.get(i % failures.size())::run);
                    }
                    assertEquals(bytes, TensorScope.liveBytes());
                    assertEquals(tensors, TensorScope.liveTensors());
                    long grown = ProcessMemory.residentBytes() - resident;
                    assertTrue(grown < SLACK, () -> "grew by " + grown / 1024 + " KiB");
                });
    }

    /// A closed argument stops a call half-way; the next one must not find its remains.
    @Test
    void aCallWithAClosedArgumentLeavesNothingBehind() {
        onEngine(
                () -> {
                    Tensor a = Tensor.of(CPU, new float[] {1, 2, 3, 4}, 2, 2);
                    Tensor closed = a.copy();
                    closed.close();
                    assertThrows(IllegalStateException.class, () -> a.mm(closed));
                    assertArrayEquals(new float[] {7, 10, 15, 22}, a.mm(a).toFloats());
                    Tensor missing = null;
                    assertThrows(NullPointerException.class, () -> a.mm(missing));
                    assertArrayEquals(new float[] {7, 10, 15, 22}, a.mm(a).toFloats());
                });
    }

    /// Nothing native happens if the arguments aren't those of the schema.
    @Test
    void wrongArgumentsAreFoundInJava() {
        onEngine(
                () -> {
                    Tensor a = Tensor.of(CPU, new float[] {1, 2, 3, 4}, 2, 2);
                    List<Runnable> wrong =
                            List.of(
                                    () -> Operators.MM.with(a).call(),
                                    () -> Operators.MM.with(a).with(1L),
                                    () -> Operators.MM.with(a).with(1.0),
                                    () -> Operators.MM.with(a).none(),
                                    () -> Operators.MM.with(a).with(a).with(a),
                                    () -> Operators.GATHER.with(a).with(a),
                                    () -> Operators.GATHER.with(a).with(true));
                    for (Runnable call : wrong) {
                        String message =
                                assertThrows(IllegalStateException.class, call::run).getMessage();
                        assertTrue(message.startsWith("aten::"), message);
                        assertArrayEquals(new float[] {7, 10, 15, 22}, a.mm(a).toFloats());
                    }
                });
    }
}
