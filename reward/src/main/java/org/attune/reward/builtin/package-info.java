/// Rewards that are chosen by name. Read [BuiltinRewards] for the list.
///
/// [AnswerRewards] compares answers as numbers and formulas ([MathAnswer], [MathEquality]),
/// [JsonRewards] checks JSON, [LengthRewards] and [PatternReward] the text.
package org.attune.reward.builtin;
