package org.attune.trainers.step;

import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.trainers.loop.StepReport;

import java.util.List;
import java.util.Map;

/// Loss, gradients and metrics of a step or an evaluation, summed up group by group.
///
/// A group whose loss depends on rows of other groups is not [whole][#isWhole]: all such groups are
/// measured and [noted][#note] first, then computed again with the [slopes][#slopes] that follow.
///
/// @param <R> kind of row
/// @param <F> how rows are laid out
public interface StepSums<R, F> {
    /// Adds a group of rows that is whole.
    ///
    /// @param policy what the trained model says of the group's targets
    /// @param reference what a frozen model says, as in [GroupQuestion#reference]; empty without
    ///     one
    /// @return derivatives of the step's loss
    /// @throws org.attune.error.TrainingDivergedException if a row's loss isn't finite
    HeadSlopes add(List<RowAt<R>> group, F forest, Measurement policy, List<double[]> reference);

    /// Whether the slopes of a group follow from the group alone.
    default boolean isWhole(List<RowAt<R>> group) {
        return true;
    }

    /// Adds a group of rows of which no slopes are asked, or not yet.
    ///
    /// @param policy as in [#add]
    /// @param reference as in [#add]
    /// @throws org.attune.error.TrainingDivergedException if a row's loss isn't finite
    default void note(
            List<RowAt<R>> group, F forest, Measurement policy, List<double[]> reference) {
        add(group, forest, policy, reference);
    }

    /// Notes what the models say of the rows that stand [beside][StepObjective#beside] a group's,
    /// of which no slopes are asked. All of a step's are noted before any group is added.
    ///
    /// @param group the rows beside, in the places of the rows that they belong to
    /// @param policy as in [#add], without statistics
    /// @param reference as in [#add]
    default void noteBeside(
            List<RowAt<R>> group, F forest, Measurement policy, List<double[]> reference) {}

    /// The derivatives that [#add] returns, of a group that isn't whole, after all such groups were
    /// noted. Nothing is added.
    ///
    /// @param policy what the trained model says in the pass that learns
    default HeadSlopes slopes(List<RowAt<R>> group, F forest, Measurement policy) {
        throw new IllegalStateException("every group is whole, so add returned its slopes");
    }

    /// Adds what is to be counted of a group that isn't whole in the pass that learns from it: by
    /// default nothing, since [#note] has added everything.
    ///
    /// @param policy as in [#slopes]
    default void learned(List<RowAt<R>> group, F forest, Measurement policy) {}

    /// Measures what only metrics need: once, after rows were noted and before any backward pass,
    /// which may change weights on the way.
    default void measureMore(Scorer policy) {}

    /// Reports a training step whose rows were all added.
    StepReport step();

    /// Returns the metrics of an evaluation whose rows were all noted.
    Map<String, Double> evaluation();

    /// Returns what an evaluation found of each row, in the order of their positions; empty where
    /// nothing is known of single rows.
    default List<Map<String, Double>> evaluatedRows() {
        return List.of();
    }
}
