/// Tools that a model may call: what they offer, how they are called, within which limits.
package org.attune.agents.tool;
