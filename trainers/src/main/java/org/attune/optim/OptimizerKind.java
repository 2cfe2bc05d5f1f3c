package org.attune.optim;

import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

import java.util.List;

/// An optimizer's formula with its settings. [FlatOptimizer] applies it to parameters; the state
/// that it needs is planned here, so that memory is known before anything is allocated.
public sealed interface OptimizerKind
        permits ElementFormula, EightBit, Adafactor, TorchAdafactor, Muon {
    /// The tensors of state for these parameters, in the order in which [#rule] gets them.
    List<StateTensor> state(List<Parameter> parameters);

    /// The formula over tensors of state.
    ///
    /// @param parameters as in [#state]
    /// @param state zeros before the first update; borrowed
    UpdateRule rule(List<Parameter> parameters, List<Tensor> state);

    /// Whether an update of a parameter may be made in pieces of some of its numbers.
    boolean mayCut(Parameter parameter);

    /// Whether numbers of neighbouring parameters may be updated together.
    default boolean mayJoin() {
        return false;
    }

    /// Whether the optimizer keeps moments of single numbers and updates each apart from all
    /// others. Then ranks may cut numbers and state into parts.
    default boolean mayPart() {
        return false;
    }

    /// Whether the optimizer can be computed on a device.
    default boolean serves(Device device) {
        return true;
    }

    /// Whether updates on a device take the factor of clipping from there, see [Step#clipping].
    default boolean clipsThere(Device device) {
        return false;
    }

    /// How many numbers of state all parameters share; they are 0 before the first update.
    default int shared() {
        return 0;
    }

    /// Brings the shared numbers to an update that is to come.
    ///
    /// @param shared as many as [#shared]; changed
    default void begin(Step step, double[] shared) {}

    /// Whether the run results in other weights than those that gradients are taken at.
    default boolean averages() {
        return false;
    }

    /// Bytes of state for these parameters, with the copy of them that [#averages] needs.
    default long bytes(List<Parameter> parameters) {
        long state = state(parameters).stream().mapToLong(StateTensor::bytes).sum();
        long numbers = parameters.stream().mapToLong(Parameter::count).sum();
        return state + (averages() ? Float.BYTES * numbers : 0);
    }
}
