package org.attune.optim;

import org.attune.error.CheckpointException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.policy.ParameterSpace;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// The tensors of an optimizer's state, and their form in a file: the trained values, the state's
/// tensors, how many updates were done, and the numbers that all parameters share, if any.
final class OptimizerState {
    private static final String VALUES = "values";
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

    /// In the order of the plan.
    List<Tensor> tensors() {
        return List.copyOf(tensors);
    }

    /// What is written to a file.
    ///
    /// @param values the trained values
    List<Source> sources(Tensor values, long steps, double[] shared) {
        var sources = new ArrayList<Source>();
        sources.add(source(VALUES, values));
        for (int i = 0; i < plan.size(); i++) {
            sources.add(source(plan.get(i).name(), tensors.get(i)));
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
        return sources;
    }

    private static Source source(String name, Tensor tensor) {
        return new Source(name, tensor.dtype(), tensor.shape(), arena -> copy(tensor, arena));
    }

    private static MemorySegment copy(Tensor tensor, Arena arena) {
        if (tensor.device().equals(Device.cpu())) {
            return tensor.memory();
        }
        MemorySegment copy = arena.allocate(tensor.size() * tensor.dtype().bytes(), Long.BYTES);
        try (var _ = TensorScope.open("optimizer.state")) {
            Tensor host = Tensor.empty(Device.cpu(), tensor.dtype(), tensor.shape());
            copy.copyFrom(host.copyInPlace(tensor).memory());
        }
        return copy;
    }

    /// Reads the values into the space, the state into its tensors.
    ///
    /// @param shared how many numbers all parameters share
    /// @throws CheckpointException if the file is of other parameters or of another optimizer
    Counters restore(TensorFile file, int shared) {
        require(file, STEPS, DType.INT64, 1);
        if (shared > 0) {
            require(file, SHARED, DType.FLOAT64, shared);
        }
        load(file, VALUES, space.values());
        for (int i = 0; i < plan.size(); i++) {
            load(file, plan.get(i).name(), tensors.get(i));
        }
        try (Arena arena = Arena.ofConfined()) {
            long steps = file.read(STEPS, arena).get(ValueLayout.JAVA_LONG, 0);
            double[] numbers =
                    shared == 0
                            ? new double[0]
                            : file.read(SHARED, arena).toArray(ValueLayout.JAVA_DOUBLE);
            return new Counters(steps, numbers);
        }
    }

    private static void load(TensorFile file, String name, Tensor target) {
        require(file, name, target.dtype(), target.shape());
        try (Arena arena = Arena.ofConfined();
                var _ = TensorScope.open("optimizer.restore")) {
            target.copyInPlace(
                    Tensor.ofMemory(
                            Device.cpu(), target.dtype(), file.read(name, arena), target.shape()));
        }
    }

    private static void require(TensorFile file, String name, DType dtype, long... shape) {
        TensorFile.Entry entry = file.entries().get(name);
        if (entry == null || entry.dtype() != dtype || !Arrays.equals(entry.shape(), shape)) {
            throw new CheckpointException(
                    ("the optimizer's state has no %s tensor \"%s\" of shape %s, but %s; it is of"
                                    + " another model or optimizer")
                            .formatted(
                                    dtype.name().toLowerCase(Locale.ROOT),
                                    name,
                                    Arrays.toString(shape),
                                    describe(entry)));
        }
    }

    private static String describe(TensorFile.Entry entry) {
        return entry == null ? "none" : entry.dtype() + " " + Arrays.toString(entry.shape());
    }
}
