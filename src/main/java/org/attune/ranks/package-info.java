/// The processes (ranks) of a run, and what they say to each other.
///
/// Read [Collective]: trainers know nothing else of this package, but [RankAgreement].
/// [SingleProcess] is a run without other processes. [RankSession] is a process among those of its
/// job; where a launcher started several, which [Launched] finds out, the module attune-ranks joins
/// them ([RankProvider]).
package org.attune.ranks;
