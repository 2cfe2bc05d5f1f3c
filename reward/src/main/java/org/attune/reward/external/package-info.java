/// Rewards that users bring along: Java files, classes, programs and functions of Python.
///
/// Read [JavaRewards] for code in this process and [ProcessReward] for a program that speaks JSON
/// lines, by which [PythonReward] calls functions that were written for TRL. All run with the
/// rights of the user who starts the run.
package org.attune.reward.external;
