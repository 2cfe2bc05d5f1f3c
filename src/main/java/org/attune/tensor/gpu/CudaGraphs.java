package org.attune.tensor.gpu;

/// CUDA graphs of one GPU, recorded on a stream for that alone, by its driver. On the engine
/// thread. Untried on a real GPU.
public final class CudaGraphs {
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
    public long stream() {
        if (stream == 0) {
            driver.within(context, () -> stream = driver.newStream());
        }
        return stream;
    }

    /// Records what is launched on [#stream].
    ///
    /// @return the graph, ready to be launched
    /// @throws RuntimeException of `body`; an `IllegalStateException` if the driver refuses, e.g.
    ///     since a library allocated meanwhile
    public long record(Runnable body) {
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
    public void launch(long graph, long on) {
        driver.within(context, () -> driver.launchGraph(graph, on));
    }

    /// Frees a graph. Launches under way go on to their end.
    public void destroy(long graph) {
        driver.within(context, () -> driver.destroyInstance(graph));
    }
}
