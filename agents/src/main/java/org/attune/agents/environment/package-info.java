/// Worlds of episodes: what begins an episode, answers its turns and rewards it.
package org.attune.agents.environment;
