package org.attune.trainers.ppo;

import org.attune.trainers.layout.CompletionForest;

import java.util.Optional;

/// One completion with everything that an update needs of it. `T` tokens, `S` states that have a
/// value: `T`, or `T + 1` where TRL's layout is kept and the completion doesn't have the full
/// length. A named tuple: equality is identity of the arrays.
///
/// @param prompt number of its prompt in the data
/// @param tokens ids of prompt and completion
/// @param mask 1 where a token counts, else 0, `(T)`
/// @param valueMask 1 where a state counts, else 0, `(S)`
/// @param old log-probabilities under the policy that generated it, `(T)`
/// @param reference log-probabilities under the reference, `(T)`, where there is one
/// @param values of the critic before the update, `(S)`
/// @param advantages `(T)`
/// @param returns targets of the critic, `(S)`
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record PpoRow(
        int prompt,
        CompletionForest.Row tokens,
        double[] mask,
        double[] valueMask,
        double[] old,
        Optional<double[]> reference,
        double[] values,
        double[] advantages,
        double[] returns) {
    /// Tokens that count.
    public double counted() {
        return sum(mask);
    }

    /// States that count.
    public double countedStates() {
        return sum(valueMask);
    }

    private static double sum(double[] mask) {
        double sum = 0;
        for (double m : mask) {
            sum += m;
        }
        return sum;
    }

    /// What the objective needs, with the policy as it is now.
    ///
    /// @param policy log-probability of each token, `(T)`
    /// @param entropy of the policy at each token, `(T)`
    public PpoObjective.Scores scores(double[] policy, double[] entropy) {
        return new PpoObjective.Scores(policy, old, reference, entropy, mask, advantages);
    }
}
