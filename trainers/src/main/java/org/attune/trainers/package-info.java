/// Trainers, and the parts they are composed of.
///
/// All methods but PPO share one [Trainer]: read `train`, then `step`. What a method makes of given
/// rows is its [RowObjective]: start with `SftObjective` or `DpoObjective`. [TrainingLoop] knows
/// when to step, log, evaluate and save. Which rows a step sees is
/// [org.attune.trainers.batch.BatchPlan]; the formulas are `SftLoss` and
/// `PreferenceLoss`.
///
/// An objective is computed on the host, in `double`, from the log-probabilities of the targets
/// of a [org.attune.policy.TokenForest]; its derivatives go back through the policy. `M` is the
/// number of targets of a forest.
package org.attune.trainers;

import org.attune.trainers.loop.TrainingLoop;
import org.attune.trainers.rows.RowObjective;
import org.attune.trainers.step.Trainer;
