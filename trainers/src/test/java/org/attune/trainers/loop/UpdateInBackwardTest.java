package org.attune.trainers.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.error.TrainingDivergedException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.optim.NormType;
import org.attune.optim.Optimizer;
import org.attune.policy.ParameterSpace;
import org.attune.tensor.Tensor;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;

/// What an optimizer is told in a step, on the way and at its end.
class UpdateInBackwardTest {
    private final Groups space = new Groups();
    private final Told optimizer = new Told();
    private final UpdateInBackward updates =
            new UpdateInBackward(optimizer, space, new PhaseClock());

    /// Three groups without numbers.
    private static final class Groups implements ParameterSpace {
        private IntConsumer use;

        @Override
        public List<List<Parameter>> groups() {
            return List.of(List.of(), List.of(), List.of());
        }

        @Override
        public void whenComplete(IntConsumer use) {
            this.use = use;
        }

        @Override
        public Tensor values() {
            throw new AssertionError();
        }

        @Override
        public Tensor gradients() {
            throw new AssertionError();
        }

        @Override
        public List<Parameter> parameters() {
            return List.of();
        }

        @Override
        public void valuesChanged() {}
    }

    /// Writes down what it is told. The squares of a group are given.
    private static final class Told implements Optimizer {
        private final List<String> calls = new ArrayList<>();
        private final double[] squares = {9, 16, 0};

        @Override
        public double gradientNorm(NormType type) {
            throw new AssertionError();
        }

        @Override
        public double gradientSquares(int group) {
            return squares[group];
        }

        @Override
        public void step(double learningRate, double gradientScale) {
            throw new AssertionError();
        }

        @Override
        public void begin(double learningRate) {
            calls.add("begin by " + learningRate);
        }

        @Override
        public void update(int group) {
            calls.add("update " + group);
        }

        @Override
        public void showResult() {
            throw new AssertionError();
        }

        @Override
        public void showTrained() {
            throw new AssertionError();
        }

        @Override
        public void zeroGradients() {
            calls.add("zero");
        }

        @Override
        public void zeroGradients(int group) {
            calls.add("zero " + group);
        }

        @Override
        public List<SafeTensorsWriter.Source> state() {
            return List.of();
        }

        @Override
        public void restore(TensorFile file) {}

        @Override
        public void keep() {
            throw new AssertionError();
        }

        @Override
        public void goBack() {
            throw new AssertionError();
        }

        @Override
        public void close() {}
    }

    /// A step in which gradients of some groups come.
    private void run(int number, int... groups) {
        var step = new WeightUpdates.Step(number, 0.5, () -> List.of("rows.jsonl:" + (number + 1)));
        updates.begin(step);
        for (int group : groups) {
            space.use.accept(group);
        }
        updates.finish(step);
    }

    @Test
    void eachGroupChangesAsSoonAsItsGradientIsThere() {
        run(0, 0, 1, 2);
        assertEquals(
                List.of(
                        "zero",
                        "begin by 0.5",
                        "update 0",
                        "zero 0",
                        "update 1",
                        "zero 1",
                        "update 2",
                        "zero 2"),
                optimizer.calls);
        assertEquals(5, updates.gradientNorm());
    }

    /// As at the end of an ordinary step, where such groups have zeros for gradients.
    @Test
    void groupsWithoutAGradientChangeAtTheEnd() {
        run(0, 1);
        assertEquals(
                List.of(
                        "zero",
                        "begin by 0.5",
                        "update 1",
                        "zero 1",
                        "update 0",
                        "zero 0",
                        "update 2",
                        "zero 2"),
                optimizer.calls);
    }

    /// A checkpoint that is written then must not count it.
    @Test
    void aStepThatIsStoppedBeforeItsPassChangesNothing() {
        updates.begin(new WeightUpdates.Step(0, 0.5, List::of));
        assertTrue(updates.mayStop());
        assertEquals(List.of("zero"), optimizer.calls);
    }

    /// Between the first change and the last one nobody may stop.
    @Test
    void aStopIsHeededUntilWeightsChange() {
        assertThrows(StoppedException.class, () -> stopped(-1));
        assertEquals(List.of("zero"), optimizer.calls);
        for (int last = 0; last < 3; last++) {
            optimizer.calls.clear();
            stopped(last);
            assertEquals(8, optimizer.calls.size());
        }
    }

    /// A step whose run is asked to stop after a group, or, by -1, before the first.
    private void stopped(int after) {
        var asked = new AtomicBoolean(after < 0);
        IntConsumer use = space.use;
        space.use =
                group -> {
                    StopRequest.check();
                    use.accept(group);
                    if (group == after) {
                        asked.set(true);
                    }
                };
        try {
            StopRequest.watching(
                    () -> asked.get() && updates.mayStop(),
                    () -> {
                        run(0, 0, 1, 2);
                        return null;
                    });
        } finally {
            space.use = use;
        }
    }

    @Test
    void aSecondPassInAStepIsAnError() {
        String message =
                assertThrows(IllegalStateException.class, () -> run(6, 0, 1, 2, 0)).getMessage();
        assertEquals(
                "a second backward pass in step 7, whose weights have changed already", message);
    }

    @Test
    void aPassOutsideOfAStepIsAnError() {
        run(0, 0, 1, 2);
        assertThrows(IllegalStateException.class, () -> space.use.accept(0));
    }

    @Test
    void gradientsThatAreNotFiniteEndTheRunAndSayWhatHasChanged() {
        optimizer.squares[0] = Double.NaN;
        assertEquals(
                "the norm of a gradient is NaN on rows.jsonl:3; weights are those of the step"
                        + " before. Check the rows or learning_rate",
                diverged());
        assertEquals(List.of("zero"), optimizer.calls);
        optimizer.squares[0] = 1;
        optimizer.squares[1] = Double.POSITIVE_INFINITY;
        assertEquals(
                "the norm of a gradient is Infinity on rows.jsonl:3; optimizer_in_bwd has changed"
                    + " some weights of this step already, so go on from a checkpoint. Check the"
                    + " rows or learning_rate",
                diverged());
    }

    private String diverged() {
        return assertThrows(TrainingDivergedException.class, () -> run(2, 0, 1, 2)).getMessage();
    }
}
