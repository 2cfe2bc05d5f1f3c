package org.attune.trainers.grpo;

import org.attune.datasets.layout.CompletionForest;

import java.util.Optional;

/// One completion with everything that training needs of it. A named tuple: equality is identity
/// of the arrays.
///
/// @param prompt number of its prompt in the data
/// @param tokens ids of prompt and completion; completions of one prompt share the prompt's array
/// @param samplingLogProbs log-probability of each token as the sampler gave it, `(T)`; empty if
///     it gave none
/// @param oldLogProbs under the policy that generated, at the run's temperature, `(T)`; empty
///     while
///     the policy hasn't changed since
/// @param referenceLogProbs under the reference, `(T)`; empty without a KL term
/// @param mask 1 where a token counts, else 0, `(T)`
/// @param advantage finite
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record RolloutRow(
        int prompt,
        CompletionForest.Row tokens,
        float[] samplingLogProbs,
        Optional<float[]> oldLogProbs,
        Optional<float[]> referenceLogProbs,
        float[] mask,
        double advantage) {
    /// Tokens of the completion, `T`.
    public int length() {
        return tokens.completion().length;
    }

    /// Tokens that count.
    public double counted() {
        double sum = 0;
        for (float m : mask) {
            sum += m;
        }
        return sum;
    }

    public RolloutRow withOld(float[] logProbs) {
        return new RolloutRow(
                prompt,
                tokens,
                samplingLogProbs,
                Optional.of(logProbs),
                referenceLogProbs,
                mask,
                advantage);
    }

    public RolloutRow withReference(float[] logProbs) {
        return new RolloutRow(
                prompt,
                tokens,
                samplingLogProbs,
                oldLogProbs,
                Optional.of(logProbs),
                mask,
                advantage);
    }

    /// What an objective needs, with the policy as it is now.
    ///
    /// @param policy log-probability of each token, `(T)`
    public CompletionScores scores(double[] policy) {
        return new CompletionScores(
                policy,
                oldLogProbs.map(RolloutRow::doubles),
                referenceLogProbs.map(RolloutRow::doubles),
                doubles(mask),
                Optional.empty(),
                advantage);
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < doubles.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }
}
