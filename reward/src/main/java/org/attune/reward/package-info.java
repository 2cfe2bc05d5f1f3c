/// Rewards: functions that judge completions, and the advantages that follow from them.
///
/// Read [RewardFunction], then [RewardScorer] (calls them, with limits and time-outs),
/// [RewardTable] (what they said) and [AdvantageEstimator]. Dimensions: `P` prompts, `G`
/// completions of a prompt, `F` reward functions, `T` tokens of a completion.
package org.attune.reward;
