package org.attune.optim;

import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.List;

/// A formula by which each number changes by its own gradient and moments alone. It knows no state:
/// moments are kept in full ([FullMoments]) or in eight bits ([EightBit]).
public sealed interface ElementFormula extends OptimizerKind
        permits AdamW,
                Adam,
                Sgd,
                RmsProp,
                Adagrad,
                Lion,
                AdEmaMix,
                ScheduleFreeAdamW,
                ScheduleFreeSgd {
    /// A running number for each number that is trained.
    ///
    /// @param name in the state's file
    /// @param signed whether it can be below 0
    record Moment(String name, boolean signed) {}

    /// The moments, in the order in which [#update] gets them.
    List<Moment> moments();

    /// Updates numbers and moments.
    ///
    /// @param values float32 `(n)`, changed
    /// @param gradient float32 `(n)`, unchanged
    /// @param moments float32 `(n)` each, changed
    void update(Piece piece, Tensor values, Tensor gradient, List<Tensor> moments, Step step);

    /// Turns values that gradients are taken at into those of the result.
    default void showResult(Tensor values, List<Tensor> moments) {}

    @Override
    default boolean mayCut(Parameter parameter) {
        return true;
    }

    @Override
    default boolean mayJoin() {
        return true;
    }

    @Override
    default boolean mayPart() {
        return true;
    }

    @Override
    default List<StateTensor> state(List<Parameter> parameters) {
        long numbers = parameters.stream().mapToLong(Parameter::count).sum();
        return moments().stream()
                .map(m -> new StateTensor(m.name(), DType.FLOAT32, numbers))
                .toList();
    }

    @Override
    default UpdateRule rule(List<Parameter> parameters, List<Tensor> state) {
        return new FullMoments(this, state);
    }
}
