/// Models that judge: a reward model as a reward function or as a scorer of rows. Read
/// [RewardModel].
package org.attune.trainers.judges;
