package org.attune.trainers.testing;

import org.attune.policy.CausalPolicy;
import org.attune.rollout.RolloutSource;
import org.attune.trainers.config.BatchConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.RunContext;

import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/// A method with a few rows, small enough for many runs. Its steps have several micro-batches.
///
/// @param rows what it trains on
/// @param policy makes what it trains, with the same values each time
/// @param start trains to the last step
/// @param other the same with another setting of the method's own
/// @param told how the refusal to resume names that setting
/// @param cuts other ways to cut a step into micro-batches that give the same sums
/// @param diverging the same, but its loss isn't finite
/// @param named how the error names a row that it came from
public record TrainerCase<R>(
        List<R> rows,
        Supplier<? extends CausalPolicy> policy,
        Start<R> start,
        Start<R> other,
        String told,
        List<UnaryOperator<BatchConfig>> cuts,
        Start<R> diverging,
        String named) {
    /// What nothing else has to be the same for: the method alone changes.
    public TrainerCase<R> starting(Start<R> another) {
        return new TrainerCase<>(rows, policy, another, other, told, cuts, diverging, named);
    }

    /// Trains with what a contract gives.
    @FunctionalInterface
    public interface Start<R> {
        /// @return values that were trained beside the policy's, such as a critic's
        float[] train(Given<R> given);
    }

    /// What a contract gives a run.
    ///
    /// @param training changes the case's configuration
    /// @param rows the case's, or others
    /// @param policy fresh
    /// @param writer changes where completions come from
    /// @param context has listeners
    public record Given<R>(
            UnaryOperator<TrainingConfig> training,
            List<R> rows,
            CausalPolicy policy,
            UnaryOperator<RolloutSource> writer,
            RunContext context) {
        /// The same, whose policy is a table and finds a token impossible to score.
        public Given<R> poisoned(int token) {
            table().poison(token);
            return this;
        }

        /// The policy of a case that trains a table.
        public BigramPolicy table() {
            return (BigramPolicy) policy;
        }
    }
}
