/// The loop of an episode: a policy's turns are sampled and read, tools are called, what they
/// answer becomes tokens, within budgets, whatever fails. Read [org.attune.agents.loop.EpisodeRun],
/// which goes on with many episodes at once, then [org.attune.agents.loop.EpisodeAttempt], which is
/// the story of one.
package org.attune.agents.loop;
