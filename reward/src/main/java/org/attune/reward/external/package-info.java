/// Rewards that users bring along: Java files, classes and programs.
///
/// Read [JavaRewards] for code in this process and [ProcessReward] for a program that speaks JSON
/// lines. Both run with the rights of the user who starts the run.
package org.attune.reward.external;
