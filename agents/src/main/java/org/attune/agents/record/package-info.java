/// Worlds that answer as they did before.
package org.attune.agents.record;
