package org.attune.tensor.mpi;

/// What a library calls the few things that calls name.
///
/// @param processes that calls concern; at first `MPI_COMM_WORLD`, all of the job
/// @param byteType `MPI_BYTE`
/// @param floatType `MPI_FLOAT`
/// @param sum `MPI_SUM`
/// @param errorsReturn `MPI_ERRORS_RETURN`: calls that fail give back a number
record MpiHandles(long processes, long byteType, long floatType, long sum, long errorsReturn) {
    /// Exchanges the processes for others.
    MpiHandles among(long others) {
        return new MpiHandles(others, byteType, floatType, sum, errorsReturn);
    }
}
