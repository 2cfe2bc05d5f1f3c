/// Trainers, and the parts they are composed of.
///
/// Read [SftTrainer] or [DpoTrainer] first: `train`, then `step`. A trainer knows its objective;
/// [TrainingLoop] knows when to step, log, evaluate and save. Which rows a step sees is
/// [org.attune.trainers.batch.BatchPlan]; the formulas are [SftLoss] and
/// [org.attune.trainers.preference.PreferenceLoss].
///
/// An objective is computed on the host, in `double`, from the log-probabilities of the targets
/// of a [org.attune.policy.TokenForest]; its derivatives go back through the policy. `M` is the
/// number of targets of a forest.
package org.attune.trainers;

import org.attune.trainers.loop.TrainingLoop;
import org.attune.trainers.preference.DpoTrainer;
import org.attune.trainers.sft.SftLoss;
import org.attune.trainers.sft.SftTrainer;
