/// The processes (ranks) of a run, and what they say to each other.
///
/// Read [Collective]: trainers know nothing else of this package. [SingleProcess] is a run without
/// other processes.
package org.attune.ranks;
