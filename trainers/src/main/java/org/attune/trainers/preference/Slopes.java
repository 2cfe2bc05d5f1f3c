package org.attune.trainers.preference;

/// A loss of a logical micro-batch with its derivatives.
///
/// @param loss mean over the micro-batch
/// @param chosen derivative by each `log π(y_w | x)`, `(B)`
/// @param rejected derivative by each `log π(y_l | x)`, `(B)`
/// @param chosenToken derivative by the log-probability of any one chosen token, beside `chosen`
record Slopes(double loss, double[] chosen, double[] rejected, double chosenToken) {
    static Slopes zero(int pairs) {
        return new Slopes(0, new double[pairs], new double[pairs], 0);
    }

    /// This plus `factor` times `other`.
    Slopes plus(Slopes other, double factor) {
        var sum =
                new Slopes(
                        loss + factor * other.loss,
                        chosen.clone(),
                        rejected.clone(),
                        chosenToken + factor * other.chosenToken);
        for (int i = 0; i < chosen.length; i++) {
            sum.chosen[i] += factor * other.chosen[i];
            sum.rejected[i] += factor * other.rejected[i];
        }
        return sum;
    }
}
