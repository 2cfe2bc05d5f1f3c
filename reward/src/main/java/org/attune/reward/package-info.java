/// Rewards: functions that judge completions.
package org.attune.reward;
