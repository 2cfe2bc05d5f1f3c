package org.attune.ranks.mpi;

/// [CollectiveContract] between simulated GPUs, whose numbers the stand-in of NCCL carries.
final class NcclContract {
    private NcclContract() {}

    /// @param args repetitions of each call
    public static void main(String[] args) {
        CollectiveContract.run(
                Integer.parseInt(args[0]),
                new CollectiveContract.Carrier(
                        "nccl", (mpi, sum) -> SimulatedGpus.join(mpi, mpi.place(), sum)));
    }
}
