package org.attune.ranks.mpi;

import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

/// What [RankSums] need of a library: numbers moved or summed in one call. Tensors are float32,
/// dense, of one dimension and on [#device].
interface RankMoves {
    int size();

    /// Where numbers to be added up are.
    Device device();

    /// Part j of every rank goes to rank j, which gets them in the order of the ranks.
    void allToAll(String what, Tensor from, Tensor to);

    /// Exchanges parts of different sizes: part j of every rank goes to rank j, which gets them in
    /// the order of the ranks.
    ///
    /// @param counts numbers of each part
    /// @param to size · `counts[rank]` numbers
    void allToAll(String what, Tensor from, int[] counts, Tensor to);

    /// Everybody's numbers, in the order of the ranks.
    void allGather(String what, Tensor part, Tensor whole);

    /// Adds up in place, in the library's order.
    void allReduce(String what, Tensor numbers);

    /// Counts bytes that this rank gives to others.
    void sent(long bytes);
}
