package org.attune.trainers.grpo;

import org.attune.records.CopyMethods;
import org.attune.trainers.layout.CompletionForest;

import java.util.Optional;

/// One completion with everything that training needs of it. A named tuple: equality is identity
/// of the arrays.
///
/// @param prompt number of its prompt in the data
/// @param tokens ids of prompt and completion; completions of one prompt share the prompt's array
/// @param samplingLogProbs log-probability of each token as the sampler gave it, `(T)`, NaN where
///     it gave none
/// @param isElsewhere whether the sampler was another one than the policy, and told
///     log-probabilities
/// @param oldLogProbs under the policy that generated, at the run's temperature, `(T)`; empty
///     while the policy hasn't changed since
/// @param referenceLogProbs under the reference, `(T)`; empty without a KL term
/// @param samplerRatio weights for another sampler's completion, `(T)` or `(1)` for all tokens;
///     empty: 1
/// @param isAbsent whether the step is as if there were no such row: its episode failed
/// @param mask 1 where a token counts, else 0, `(T)`
/// @param advantage of the completion, finite
/// @param tokenAdvantages of each token, `(T)`; empty: that of the completion
@CopyMethods
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record RolloutRow(
        int prompt,
        CompletionForest.Row tokens,
        float[] samplingLogProbs,
        boolean isElsewhere,
        boolean isAbsent,
        Optional<float[]> oldLogProbs,
        Optional<float[]> referenceLogProbs,
        Optional<float[]> samplerRatio,
        float[] mask,
        double advantage,
        Optional<double[]> tokenAdvantages)
        implements RolloutRowCopies {
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

    /// What an objective needs, with the policy as it is now.
    ///
    /// @param policy log-probability of each token, `(T)`
    public CompletionLogProbs scores(double[] policy) {
        return new CompletionLogProbs(
                policy,
                oldLogProbs.map(RolloutRow::doubles),
                referenceLogProbs.map(RolloutRow::doubles),
                doubles(mask),
                Optional.empty(),
                Optional.empty(),
                samplerRatio.map(RolloutRow::doubles),
                Optional.empty(),
                advantage,
                tokenAdvantages);
    }

    static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < doubles.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }
}
