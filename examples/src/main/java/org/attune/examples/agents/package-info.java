/// Rows for the agents of `examples/agents`: what they learn the form from, and their prompts.
package org.attune.examples.agents;
