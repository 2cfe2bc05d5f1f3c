/// Objectives of preference pairs: DPO and its relatives.
///
/// A loss is a function of very few numbers, the log-probabilities of whole completions. So it is
/// computed on the host in `double`, with exact derivatives by forward-mode differentiation
/// ([org.attune.trainers.numerics.Dual]). The formulas stay readable, cost microseconds, need no
/// tensor, and are compared with TRL's float64 results to nine digits. The derivatives of the
/// tokens then go to [org.attune.policy.Evaluation#backward(float[])].
///
/// `B` is the number of pairs in a logical micro-batch, `y_w` and `y_l` are its chosen and rejected
/// completions. Log-probabilities are natural.
package org.attune.trainers.preference;
