/// Reward functions as a run's configuration names them.
package org.attune.reward.spec;
