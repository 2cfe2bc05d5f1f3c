package org.attune.trainers.grpo;

/// What one completion adds to a loss, with its derivative by each token's log-probability. How
/// completions are averaged is [Normaliser]'s.
sealed interface CompletionLoss
        permits GrpoObjective, GeometricMean, SequenceRatio, RewardLabels, AdvantageRegression {
    /// What a completion adds.
    ///
    /// @param loss its loss before [Normaliser]
    /// @param slopes derivative of `loss` by each token's log-probability, `(T)`
    /// @param kl `Σ mask · KL`
    /// @param low tokens, or completions where they have one ratio, that were clipped from below
    /// @param high the same from above
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Result(double loss, double[] slopes, double kl, double low, double high) {}

    /// Evaluates one completion.
    Result evaluate(CompletionLogProbs row);

    /// Whether clipped completions are counted, since each has one ratio; else clipped tokens.
    boolean countsCompletions();

    /// Weight of the KL term in the loss; 0: none.
    double beta();
}
