/// Reward functions as a run's configuration names them. Read [RewardSpec].
package org.attune.reward.spec;
