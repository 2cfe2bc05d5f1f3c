/// Starts the processes of a run: `attune sft run.yaml --ranks 4` is `mpirun -n 4 attune sft
/// run.yaml` with what that launcher needs.
///
/// Read [RankJob], then [JobPlan], which has the launcher's arguments, and [JobMessages], which
/// reads what it says when a rank ends.
package org.attune.ranks.launch;
