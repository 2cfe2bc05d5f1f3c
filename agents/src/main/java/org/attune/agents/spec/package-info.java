/// Reads the tools and environments that a run's file names.
package org.attune.agents.spec;
