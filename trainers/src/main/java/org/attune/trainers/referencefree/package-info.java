/// Objectives of preference pairs without a frozen reference: ORPO, CPO with SimPO and AlphaPO, and
/// TPO, whose rows have a third answer.
///
/// All are one sum: a loss of two numbers a pair, the log-probabilities of its completions
/// ([org.attune.trainers.referencefree.PairLoss]), plus a weight times the negative log-likelihood
/// of tokens that are imitated. The methods differ in the loss, in which tokens these are, and in
/// how rows become tokens. Read [org.attune.trainers.referencefree.PairLoss], then
/// [org.attune.trainers.referencefree.ImitationSums].
///
/// `y_w` and `y_l` are the chosen and rejected completion of a pair with prompt `x`. `ℓ_w` and
/// `ℓ_l` are their log-probabilities under the policy in nats: sums over their tokens, or means.
package org.attune.trainers.referencefree;
