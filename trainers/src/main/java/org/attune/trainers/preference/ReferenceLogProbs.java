package org.attune.trainers.preference;

/// The reference's log-probabilities of a pair's completions, summed as the objective sums the
/// policy's.
///
/// @param chosen `log π_ref(y_w | x)`
/// @param rejected `log π_ref(y_l | x)`
record ReferenceLogProbs(double chosen, double rejected) {}
