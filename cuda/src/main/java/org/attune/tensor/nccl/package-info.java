/// NVIDIA's library for talk between GPUs, through the Foreign Function & Memory API.
///
/// [NcclLibrary] finds the one that libtorch has loaded, or loads one, and makes [NcclRanks], the
/// calls between the GPUs of a run. State: bound and called as far as goes without a GPU, and
/// tested with a stand-in of its C functions; untried on GPUs.
package org.attune.tensor.nccl;
