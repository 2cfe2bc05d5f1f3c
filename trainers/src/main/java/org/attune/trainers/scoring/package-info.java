/// Models that score: reward models from pairs, process reward models from labelled reasoning
/// steps. Read [RewardObjective] and [PrmObjective].
package org.attune.trainers.scoring;
