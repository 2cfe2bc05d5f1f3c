package org.attune.ranks.mpi;

import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

/// Numbers in the processor's memory, moved by MPI.
record MpiMoves(MpiCalls calls) implements RankMoves {
    @Override
    public int size() {
        return calls.size();
    }

    @Override
    public Device device() {
        return Device.cpu();
    }

    private static long address(Tensor numbers) {
        return numbers.memory().address();
    }

    private static int count(Tensor numbers) {
        return Math.toIntExact(numbers.size());
    }

    @Override
    public void allToAll(String what, Tensor from, Tensor to) {
        int code = calls.library().allToAll(address(from), address(to), count(from) / size());
        calls.check("MPI_Alltoall", what, code);
    }

    @Override
    public void allToAll(String what, Tensor from, int[] counts, Tensor to) {
        int mine = count(to) / size();
        int code = calls.library().allToAll(address(from), counts, address(to), mine);
        calls.check("MPI_Alltoallv", what, code);
    }

    @Override
    public void allGather(String what, Tensor part, Tensor whole) {
        int code = calls.library().allGather(address(part), address(whole), count(part));
        calls.check("MPI_Allgather", what, code);
    }

    @Override
    public void allReduce(String what, Tensor numbers) {
        int code = calls.library().allReduce(address(numbers), count(numbers));
        calls.check("MPI_Allreduce", what, code);
    }

    @Override
    public void sent(long bytes) {
        calls.sent(bytes);
    }
}
