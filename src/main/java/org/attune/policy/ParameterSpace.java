package org.attune.policy;

import org.attune.ranks.Collective;
import org.attune.ranks.RankParts;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;

/// All trained parameters, flat: one float32 tensor of values and one of gradients, so that
/// clipping, optimizer and checkpoints are a few operations whatever the number of parameters.
public interface ParameterSpace {
    /// Master values, `(P)` float32.
    Tensor values();

    /// Gradients, float32; evaluations add to them, the trainer zeroes them. `(P)`, or fewer where
    /// [groups share memory][#sharesGradients].
    Tensor gradients();

    /// The parameters in flat order, without gaps.
    List<Parameter> parameters();

    /// The parameters by what is updated together, and by what norms are added up. A group stands
    /// in flat order.
    default List<List<Parameter>> groups() {
        return List.of(parameters());
    }

    /// The parameters by the time at which a backward pass has finished their gradients, the first
    /// ones first. Each of these stands in flat order.
    default List<List<Parameter>> turns() {
        return groups();
    }

    /// First element of a parameter's gradient in [#gradients]. Neighbours in the flat order that
    /// are of one turn are neighbours there too.
    default long gradientOffset(Parameter parameter) {
        return parameter.offset();
    }

    /// First element of a parameter in [#values].
    default long valueOffset(Parameter parameter) {
        return parameter.offset();
    }

    /// The values, in flat order: one tensor, or several where this space is a part of another and
    /// they don't stand together.
    default List<Tensor> ownValues() {
        return List.of(values());
    }

    /// Whether gradients take [turns][#turns] in their memory. Each must then be used and zeroed as
    /// soon as it is there ([#whenComplete]), and only one backward pass can add to it.
    default boolean sharesGradients() {
        return false;
    }

    /// Says what is done with gradients when a backward pass has finished them, before the pass
    /// goes on. The number is that of [#turns]. A second call replaces the first.
    ///
    /// @throws UnsupportedOperationException unless gradients share memory
    default void whenComplete(IntConsumer use) {
        throw new UnsupportedOperationException("gradients of all parameters are kept");
    }

    /// The sums of the gradients over several processes, of which this one keeps a part. The space
    /// owns them; there is one such sum, whatever the number of calls.
    ///
    /// @param ranks of the run; borrowed
    default GradientParts gradientParts(Collective ranks) {
        throw new UnsupportedOperationException("gradients are kept whole");
    }

    /// How many numbers are trained.
    default long count() {
        return parameters().stream().mapToLong(Parameter::count).sum();
    }

    /// Whether this process has all values at any time; else those of its part, and others while
    /// they are needed.
    default boolean keepsValues() {
        return true;
    }

    /// Gets the values that other processes have changed, each those of its part, and refreshes the
    /// compute copies. All processes make this call.
    ///
    /// @param parts of the values
    default void gatherValues(RankParts parts) {
        parts.gather("updated values", values());
        valuesChanged();
    }

    /// Has all values replaced, and refreshes the compute copies. All processes make this call.
    ///
    /// @param write writes each of [#values]
    default void replaceValues(Runnable write) {
        write.run();
        valuesChanged();
    }

    /// Call after [#values] changed: refreshes the compute copies.
    void valuesChanged();

    /// Call after [#values] of one group changed: refreshes the compute copies.
    default void valuesChanged(int group) {
        valuesChanged();
    }

    /// Whether some parameters learn for a while only, and others come to their place ([#draw]).
    /// The new ones have the offsets and shapes of the old ones.
    default boolean takesTurns() {
        return false;
    }

    /// Has those parameters learn that are due after so many updates of the run. The values of new
    /// ones are there afterwards; gradients are to be zeroed.
    ///
    /// @return how many of the updates are of their turn
    default long draw(long updates) {
        return updates;
    }

    /// Whether a parameter that learns now always does.
    default boolean isLasting(Parameter parameter) {
        return true;
    }

    /// Parameters that learn at some time; the offsets of those that don't now mean nothing.
    default List<Parameter> candidates() {
        return parameters();
    }

    /// Whether training does more here than an optimizer: [#completeGradients] and [#updated] are
    /// then called in each step.
    default boolean followsUpdates() {
        return false;
    }

    /// Adds to the gradients of a step what the values cost in themselves.
    default void completeGradients() {}

    /// Hears that an optimizer has changed the values.
    ///
    /// @param step from 0
    /// @param gradientScale factor on the gradients in the update
    default void updated(int step, double gradientScale) {}

    /// Tensors that a checkpoint holds beside values and the optimizer's state, by name. Restoring
    /// writes into them.
    default Map<String, Tensor> ownState() {
        return Map.of();
    }

    /// @param name PEFT's on-disk name for adapters, the model's own name for full fine-tuning
    /// @param shape row-major shape
    /// @param offset first element in the flat tensors
    /// @param decays whether weight decay applies (not for biases and norms)
    record Parameter(String name, long[] shape, long offset, boolean decays) {
        public long count() {
            long n = 1;
            for (long d : shape) {
                n *= d;
            }
            return n;
        }
    }
}
