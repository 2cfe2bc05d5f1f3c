/// NVIDIA's library for talk between GPUs, through the Foreign Function & Memory API.
///
/// [NcclLibrary] finds the one that libtorch has loaded, or loads one, and makes [NcclRanks], the
/// calls between the GPUs of a run. State: bound and called as far as goes without a GPU; sums on
/// GPUs are untried, and no training uses them yet.
package org.attune.tensor.nccl;
