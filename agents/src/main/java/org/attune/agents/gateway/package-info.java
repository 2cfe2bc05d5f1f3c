/// Agents that are programs of someone else: they talk to an OpenAI-compatible endpoint on this
/// machine, behind which the policy answers.
package org.attune.agents.gateway;
