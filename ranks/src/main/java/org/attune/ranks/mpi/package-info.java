/// What only a run of several processes needs: MPI between them, NCCL between their GPUs, and a
/// watch over ranks that wait.
///
/// [MpiRanks] is what the service loader finds. Read [MpiSession], a rank from joining to leaving;
/// then [MpiCollective] and [NcclCollective], which carry numbers, and [RankSums], which adds them.
package org.attune.ranks.mpi;
