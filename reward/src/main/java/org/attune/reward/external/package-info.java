/// Rewards that users bring along: Java files, classes and programs.
package org.attune.reward.external;
