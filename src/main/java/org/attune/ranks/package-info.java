/// The processes (ranks) of a run, and what they say to each other.
///
/// Read [Collective]: trainers know nothing else of this package, but [RankAgreement].
/// [SingleProcess] is a run without other processes, [MpiCollective] ranks that a launcher of MPI
/// started, which [Launched] finds out.
package org.attune.ranks;
