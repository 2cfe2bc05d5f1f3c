package org.attune.tensor;

/// The GPUs of a run's ranks, joined. Calls put work on a stream and return; counts are of float32
/// numbers unless said otherwise, addresses are of the GPU's memory.
public interface GpuRanks extends AutoCloseable {
    /// What joins GPUs, such as NCCL.
    interface Library {
        /// The library's version, an equal number on all ranks.
        int version();

        /// A new id, for one rank to make and to give to the others.
        byte[] uniqueId();

        /// Joins the other ranks; waits until all do. The calling thread's current GPU takes part.
        ///
        /// @param id of rank 0
        /// @throws org.attune.error.CollectiveException if the others can't be reached
        GpuRanks join(byte[] id, int rank, int size);
    }

    /// Part j of every rank goes to rank j, which gets them in the order of the ranks.
    ///
    /// @param from numbers of all parts
    /// @param counts numbers of each part
    /// @param to size · mine numbers, elsewhere
    /// @param mine numbers of this rank's part
    void allToAll(long from, int[] counts, long to, long mine, long stream);

    /// Everybody's bytes, in the order of the ranks.
    ///
    /// @param from count bytes, maybe in their place in `to`
    /// @param to size · count bytes
    void allGatherBytes(long from, long to, long count, long stream);

    /// Adds up in place, in the library's order.
    void allReduce(long numbers, long count, long stream);

    /// Copies one rank's bytes to all.
    void broadcastBytes(long bytes, long count, int from, long stream);

    /// Looks whether work on the stream has failed; from any thread.
    ///
    /// @throws org.attune.error.CollectiveException if it has, or was [given up][#abort]
    void requireHealthy();

    /// Ends work that waits for others; from any thread. No further call is possible; once is
    /// enough.
    void abort();

    /// Leaves, when all work is done.
    @Override
    void close();
}
