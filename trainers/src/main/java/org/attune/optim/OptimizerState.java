package org.attune.optim;

import org.attune.error.CheckpointException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.policy.ParameterSpace;
import org.attune.policy.StateTensors;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/// The tensors of an optimizer's state, and their form in a file: the trained values, the state's
/// tensors, how many updates were done, and the numbers that all parameters share, if any.
final class OptimizerState {
    private static final StateTensors FILE =
            new StateTensors("the optimizer", "model or optimizer");
    static final String VALUES = "values";
    private static final String STEPS = "steps";
    private static final String SHARED = "shared";

    private final ParameterSpace space;
    private final List<StateTensor> plan;
    private final List<Tensor> tensors = new ArrayList<>();

    /// @param steps updates done
    /// @param shared numbers that all parameters share
    record Counters(long steps, double[] shared) {}

    /// Allocates zeros.
    OptimizerState(TensorScope owner, ParameterSpace space, List<StateTensor> plan) {
        this.space = space;
        this.plan = plan;
        try (var _ = owner.enter()) {
            for (StateTensor t : plan) {
                tensors.add(Tensor.zeros(space.values().device(), t.dtype(), t.size()));
            }
        }
    }

    /// The tensors in the order of the plan.
    List<Tensor> tensors() {
        return List.copyOf(tensors);
    }

    /// What is written to a file.
    ///
    /// @param values the trained values, one tensor behind the other
    List<Source> sources(List<Tensor> values, long steps, double[] shared) {
        var sources = new ArrayList<Source>();
        sources.add(StateTensors.source(VALUES, values));
        for (int i = 0; i < plan.size(); i++) {
            sources.add(StateTensors.source(plan.get(i).name(), tensors.get(i)));
        }
        sources.add(
                new Source(
                        STEPS,
                        DType.INT64,
                        new long[] {1},
                        arena -> arena.allocateFrom(ValueLayout.JAVA_LONG, steps)));
        if (shared.length > 0) {
            sources.add(
                    new Source(
                            SHARED,
                            DType.FLOAT64,
                            new long[] {shared.length},
                            arena -> arena.allocateFrom(ValueLayout.JAVA_DOUBLE, shared)));
        }
        space.ownState().forEach((name, own) -> sources.add(StateTensors.source(name, own)));
        return sources;
    }

    /// Reads the values into the space, the state into its tensors.
    ///
    /// @param shared how many numbers all parameters share
    /// @throws CheckpointException if the file is of other parameters or of another optimizer
    Counters restore(TensorFile file, int shared) {
        FILE.require(file, STEPS, DType.INT64, 1);
        if (shared > 0) {
            FILE.require(file, SHARED, DType.FLOAT64, shared);
        }
        long steps = steps(file);
        space.draw(steps); // whose values these are
        FILE.load(file, VALUES, space.values());
        space.ownState().forEach((name, own) -> FILE.load(file, name, own));
        for (int i = 0; i < plan.size(); i++) {
            FILE.load(file, plan.get(i).name(), tensors.get(i));
        }
        try (Arena arena = Arena.ofConfined()) {
            double[] numbers =
                    shared == 0
                            ? new double[0]
                            : file.read(SHARED, arena).toArray(ValueLayout.JAVA_DOUBLE);
            return new Counters(steps, numbers);
        }
    }

    private static long steps(TensorFile file) {
        try (Arena arena = Arena.ofConfined()) {
            return file.read(STEPS, arena).get(ValueLayout.JAVA_LONG, 0);
        }
    }
}
