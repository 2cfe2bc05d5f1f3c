/// The model that is trained, as trainers see it: sequences in, log-probabilities out, gradients
/// back.
///
/// Read [CausalPolicy] and [Evaluation] (the contract), then [TokenForest] (one micro-batch),
/// [Policy] (the implementation) and [OutputHead] (log-probabilities without whole logits).
/// Dimensions: `N` rows (tokens), `M` targets, `D` hidden size, `V` vocabulary, `P` trained
/// numbers, `r` adapter rank.
package org.attune.policy;
