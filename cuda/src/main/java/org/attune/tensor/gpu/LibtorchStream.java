package org.attune.tensor.gpu;

/// The stream on which libtorch computes on a GPU. On the engine thread.
interface LibtorchStream {
    /// Ends [#use].
    interface Use extends AutoCloseable {
        @Override
        void close();
    }

    /// The one at the time, as CUDA's `cudaStream_t`.
    long current();

    /// @throws IllegalStateException if this libtorch can't [#use] another stream
    void requireUse();

    /// Has libtorch compute on another stream until the result is closed.
    Use use(long stream);
}
