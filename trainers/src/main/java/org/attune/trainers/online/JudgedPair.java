package org.attune.trainers.online;

import org.attune.datasets.examples.PreferenceExample;

/// Two completions of a prompt, the better one first.
///
/// @param tokens of both
/// @param chosenReward total reward, penalties taken off
/// @param rejectedReward likewise, not larger
/// @param ended how many of the two ended by themselves
record JudgedPair(
        PreferenceExample tokens, double chosenReward, double rejectedReward, int ended) {}
