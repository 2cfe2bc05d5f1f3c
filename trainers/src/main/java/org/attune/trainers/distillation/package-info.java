/// Distillation: a student learns a teacher's distribution over the next token, on completions that
/// are given or that it writes itself (GKD, on-policy distillation). Read [GkdConfig], then
/// [DistilledRows], then `org.attune.policy.Divergence`.
///
/// `M` is the number of targets of a group of rows.
package org.attune.trainers.distillation;
