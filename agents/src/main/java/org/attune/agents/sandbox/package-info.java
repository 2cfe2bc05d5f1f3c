/// Runs programs that a model wrote, kept from files, network, memory and processes of others as
/// far as the system allows, and says how far that is.
package org.attune.agents.sandbox;
