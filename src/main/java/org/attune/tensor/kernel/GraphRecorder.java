package org.attune.tensor.kernel;

/// Records launches of one GPU. On the engine thread.
public interface GraphRecorder extends AutoCloseable {
    /// Launches that were recorded.
    interface Recorded extends AutoCloseable {
        /// Has all of them made again, after what was asked for before.
        void launch();

        /// Frees them. Those under way go on to their end.
        @Override
        void close();
    }

    /// Records what a step launches.
    ///
    /// @throws RuntimeException of the step; an `IllegalStateException` if the GPU refuses, e.g.
    ///     since a library allocated meanwhile
    Recorded record(Runnable step);

    /// Takes a launch down while a step is recorded.
    ///
    /// @param launch makes it
    /// @return whether it is not to be made now: a real GPU's driver takes down what is launched
    default boolean takes(Runnable launch) {
        return false;
    }

    /// Kernels and operators compute where they did before.
    @Override
    void close();
}
