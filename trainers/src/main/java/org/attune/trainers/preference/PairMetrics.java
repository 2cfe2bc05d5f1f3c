package org.attune.trainers.preference;

/// Metrics of a logical micro-batch of pairs: means over the pairs, named as TRL names them.
///
/// @param rewardsChosen `β · log-ratio` of the chosen completions, whatever the divergence
/// @param rewardsRejected the same of the rejected ones
/// @param rewardsAccuracies share of pairs whose chosen reward is larger; ties count as wrong
/// @param rewardsMargins chosen minus rejected reward
/// @param logpsChosen the policy's log-probability of the chosen completions
/// @param logpsRejected the same of the rejected ones
record PairMetrics(
        double rewardsChosen,
        double rewardsRejected,
        double rewardsAccuracies,
        double rewardsMargins,
        double logpsChosen,
        double logpsRejected) {

    public static PairMetrics of(PairScores scores, double beta) {
        int pairs = scores.size();
        double chosen = 0;
        double rejected = 0;
        double right = 0;
        double logpsChosen = 0;
        double logpsRejected = 0;
        for (int i = 0; i < pairs; i++) {
            double chosenReward = beta * scores.chosenLogRatio(i);
            double rejectedReward = beta * scores.rejectedLogRatio(i);
            chosen += chosenReward / pairs;
            rejected += rejectedReward / pairs;
            right += chosenReward > rejectedReward ? 1.0 / pairs : 0;
            logpsChosen += scores.policyChosen()[i] / pairs;
            logpsRejected += scores.policyRejected()[i] / pairs;
        }
        return new PairMetrics(
                chosen, rejected, right, chosen - rejected, logpsChosen, logpsRejected);
    }
}
