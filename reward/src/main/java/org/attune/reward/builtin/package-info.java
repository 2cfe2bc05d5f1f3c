/// Rewards that are chosen by name.
package org.attune.reward.builtin;
