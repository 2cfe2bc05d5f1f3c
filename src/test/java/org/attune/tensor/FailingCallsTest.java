package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ShapeException;
import org.attune.testing.InterpretedJvm;
import org.attune.testing.MemoryGrowth;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.List;

/// A refused native call is an exception and nothing else.
@Tag("thorough")
class FailingCallsTest {
    private static final Device CPU = Device.cpu();

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
        Tensor narrow = half.narrow(1, 0, 2);
        Tensor far = Tensor.of(CPU, new long[] {1_000_000}, 1);
        return List.of(
                () -> a.mm(a),
                () -> a.mm(half),
                () -> a.add(narrow),
                () -> a.reshape(7),
                () -> a.indexSelect(0, far),
                () -> a.narrow(0, 1, 5),
                () -> a.argmax(4),
                () -> Kernels.addmm(a, a, a, 1, 1),
                () -> Tensor.cat(0, a, narrow),
                () -> a.topK(50));
    }

    /// Rounds of [#failures]: each of these is refused once in a round.
    static final class Rounds {
        private Rounds() {}

        /// @param arguments number of rounds
        public static void main(String[] arguments) {
            int rounds = Integer.parseInt(arguments[0]);
            onEngine(
                    () -> {
                        List<Runnable> failures = failures();
                        Runnable round = () -> failures.forEach(FailingCallsTest::assertRefused);
                        MemoryGrowth.of(rounds / 10, rounds - rounds / 10, round)
                                .assertNone(failures.size() + " failing calls");
                    });
        }
    }

    private static void assertRefused(Runnable call) {
        assertThrows(ShapeException.class, call::run);
    }

    @Test
    void fiveHundredOfThemLeaveMemoryFlat() {
        InterpretedJvm.run(Rounds.class, "50").assertFine();
    }

    /// Takes minutes: for each refused call libtorch looks up the names of a stack trace.
    @Test
    @Tag("slow")
    void aHundredThousandOfThemLeaveMemoryFlat() {
        InterpretedJvm.run(Rounds.class, "10000").assertFine();
    }

    /// The result of a call may be refused too, with the same consequence.
    @Test
    void aCallWhoseResultHasNoPlaceLeavesNothingBehind() {
        onEngine(
                () -> {
                    Tensor a = Tensor.of(CPU, new float[] {1, 2, 3, 4}, 2, 2);
                    List<Runnable> calls =
                            List.of(() -> a.mm(a), () -> Tensor.cat(0, a, a), () -> a.topK(1));
                    long live = TensorScope.liveTensors();
                    try (var scope = TensorScope.open("sealed")) {
                        scope.seal();
                        calls.forEach(call -> assertThrows(IllegalStateException.class, call::run));
                    }
                    assertEquals(live, TensorScope.liveTensors());
                    calls.forEach(Runnable::run);
                    assertArrayEquals(new float[] {7, 10, 15, 22}, a.mm(a).toFloats());
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
