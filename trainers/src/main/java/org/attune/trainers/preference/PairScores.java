package org.attune.trainers.preference;

import java.util.Arrays;

/// The pairs of one logical micro-batch, as sums over completion tokens. All arrays are `(B)`.
///
/// @param policyChosen `log π(y_w | x)`
/// @param policyRejected `log π(y_l | x)`
/// @param referenceChosen `log π_ref(y_w | x)`
/// @param referenceRejected `log π_ref(y_l | x)`
/// @param chosenTokens tokens of each chosen completion
/// @param rejectedTokens tokens of each rejected completion
/// @param chosenNll unweighted negative log-likelihood of each chosen completion, nats
/// @param weights constant factor on each pair's loss (1 without WPO)
record PairScores(
        double[] policyChosen,
        double[] policyRejected,
        double[] referenceChosen,
        double[] referenceRejected,
        int[] chosenTokens,
        int[] rejectedTokens,
        double[] chosenNll,
        double[] weights) {

    /// Number of pairs, `B`.
    public int size() {
        return policyChosen.length;
    }

    double chosenLogRatio(int pair) {
        return policyChosen[pair] - referenceChosen[pair];
    }

    double rejectedLogRatio(int pair) {
        return policyRejected[pair] - referenceRejected[pair];
    }

    boolean weighted() {
        return Arrays.stream(weights).anyMatch(w -> w != 1);
    }
}
