package org.attune.tensor.gpu;

import org.attune.tensor.kernel.GraphRecorder;

/// CUDA graphs of one GPU, recorded on a stream for that alone, by its driver. On the engine
/// thread. Untried on a real GPU.
final class CudaGraphs {
    private final CudaDriver driver;
    private final long context;
    private long stream; // 0 before it is needed

    CudaGraphs(CudaDriver driver, long context) {
        this.driver = driver;
        this.context = context;
    }

    /// The stream that is recorded. It waits for no other, and lives as long as the process.
    ///
    /// @throws IllegalStateException if the driver refuses
    long stream() {
        if (stream == 0) {
            driver.within(context, () -> stream = driver.newStream());
        }
        return stream;
    }

    /// Has libtorch compute on [#stream], to record there.
    ///
    /// @param libtorch its stream of this GPU
    /// @throws IllegalStateException if libtorch or the driver refuses
    GraphRecorder recorder(LibtorchStream libtorch) {
        libtorch.requireUse();
        LibtorchStream.Use use = libtorch.use(stream());
        return new GraphRecorder() {
            @Override
            public Recorded record(Runnable step) {
                return recorded(CudaGraphs.this.record(step), libtorch);
            }

            @Override
            public void close() {
                use.close();
            }
        };
    }

    private GraphRecorder.Recorded recorded(long graph, LibtorchStream libtorch) {
        return new GraphRecorder.Recorded() {
            @Override
            public void launch() {
                CudaGraphs.this.launch(graph, libtorch.current());
            }

            @Override
            public void close() {
                destroy(graph);
            }
        };
    }

    /// Records what is launched on [#stream].
    ///
    /// @return the graph, ready to be launched
    /// @throws RuntimeException of `body`; an `IllegalStateException` if the driver refuses, e.g.
    ///     since a library allocated meanwhile
    long record(Runnable body) {
        long[] made = new long[1];
        driver.within(context, () -> made[0] = recorded(body));
        return made[0];
    }

    private long recorded(Runnable body) {
        driver.beginCapture(stream());
        try {
            body.run();
        } catch (RuntimeException | Error e) {
            driver.abandonCapture(stream());
            throw e;
        }
        long graph = driver.endCapture(stream());
        try {
            return driver.instantiate(graph);
        } finally {
            driver.destroyGraph(graph);
        }
    }

    /// Launches a graph.
    ///
    /// @param on a stream, after what was launched there before
    void launch(long graph, long on) {
        driver.within(context, () -> driver.launchGraph(graph, on));
    }

    /// Frees a graph. Launches under way go on to their end.
    void destroy(long graph) {
        driver.within(context, () -> driver.destroyInstance(graph));
    }
}
