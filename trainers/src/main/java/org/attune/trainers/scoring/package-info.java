/// Models that score: reward models from pairs, process reward models from labelled reasoning
/// steps. Read [RewardTrainer] and [PrmTrainer].
package org.attune.trainers.scoring;
