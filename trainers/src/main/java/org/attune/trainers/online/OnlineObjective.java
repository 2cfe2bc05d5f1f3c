package org.attune.trainers.online;

import java.util.List;
import java.util.Map;

/// What a judged pair teaches: a pure formula of log-probabilities, in double.
sealed interface OnlineObjective permits PairObjective, ExploringObjective, NashObjective {
    /// The completions that pass through the model, in the order of [#of].
    List<LearnedCompletion> learned(JudgedPair pair);

    /// Loss and metrics of a pair.
    ///
    /// @param policy log-probabilities of the tokens of each completion that is learned, `(T)`
    /// @param reference likewise under the reference
    Result of(JudgedPair pair, List<double[]> policy, List<double[]> reference);

    /// A loss with its derivatives.
    ///
    /// @param slopes by each of the policy's log-probabilities
    /// @param metrics of the pair, finite
    record Result(double loss, List<double[]> slopes, Map<String, Double> metrics) {}
}
