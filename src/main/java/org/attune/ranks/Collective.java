package org.attune.ranks;

import org.attune.error.CollectiveException;
import org.attune.tensor.Tensor;

/// The processes of a run, its ranks. All of them make the same calls in the same order, on the
/// engine thread; a call returns when this rank's part is done. Results have the same bits on all
/// ranks, and whatever carries them.
///
/// The first argument of a call says what it is for, as `gradients` or `completions`: failures and
/// ranks that wait too long name it. It isn't compared between ranks.
///
/// Calls throw [CollectiveException] when they fail, after which no further call is possible, and
/// [org.attune.error.ShapeException] for tensors that don't fit, before anything is sent. Tensors
/// are contiguous.
public interface Collective extends AutoCloseable {
    /// This process's place among all, 0 … size − 1; neighbours are on one machine. Rank 0 writes.
    int rank();

    /// Number of processes, ≥ 1. With 1 nothing is sent.
    int size();

    /// This process's place among those of its machine, 0 …, for devices.
    int local();

    /// A rank and its machine, for messages: `rank 3 on node1`.
    String where(int rank);

    /// The ranks that give the same number, among themselves, in their order. All ranks make this
    /// call. Of a part too only rank 0 of the run [writes][#writes].
    ///
    /// @return this rank's part, which the caller closes
    Collective part(int number);

    /// Whether this rank writes what a run leaves: metrics, checkpoints, results.
    default boolean writes() {
        return rank() == 0;
    }

    /// From now on messages say that this rank is in a step.
    ///
    /// @param step of the optimizer, from 1; 0 before the first
    default void enter(int step) {}

    /// Adds up over all ranks, in place: in a binary tree of neighbours, by rank. With a … e on
    /// ranks 0 … 4 it is `((a + b) + (c + d)) + e`. So a sum that is such a tree on each rank has
    /// the same bits on 8, 4, 2 and 1 ranks.
    ///
    /// @param sum float32, of the same size on all ranks; holds the sum afterwards
    void allReduce(String what, Tensor sum);

    /// This rank's part of a sum, which is added up in the fixed order in any case.
    ///
    /// @param whole float32, the numbers of rank 0's part first; unchanged
    /// @param counts how many numbers each rank's part has; the same on all ranks
    /// @param part float32, `counts[rank]` numbers; gets this rank's part of the sum
    void reduceScatter(String what, Tensor whole, int[] counts, Tensor part);

    /// Puts the ranks' parts one behind the other.
    ///
    /// @param part m numbers of any type, the same m on all ranks
    /// @param whole size · m numbers of the same type; may be the memory of which `part` is this
    ///     rank's place
    void allGather(String what, Tensor part, Tensor whole);

    /// Copies one rank's numbers to all others.
    ///
    /// @param values of any type and the same size on all ranks
    /// @param from the rank that has them
    void broadcast(String what, Tensor values, int from);

    /// Everybody's numbers.
    ///
    /// @param mine any count; others may have another
    /// @return a row for each rank
    double[][] allGather(String what, double... mine);

    /// Everybody's bytes.
    ///
    /// @param mine any count; others may have another
    /// @return those of each rank
    byte[][] allGather(String what, byte[] mine);

    /// Whether something holds on any rank: a wish to stop reaches all after the same step.
    default boolean any(String what, boolean mine) {
        for (double[] theirs : allGather(what, mine ? 1 : 0)) {
            if (theirs[0] != 0) {
                return true;
            }
        }
        return false;
    }

    /// Waits until all ranks are here.
    void barrier(String what);

    /// What the calls took so far.
    RankTimes times();

    /// Leaves the others in peace: all of them have to call it. Closing twice does nothing.
    @Override
    void close();
}
