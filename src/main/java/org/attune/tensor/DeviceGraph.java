package org.attune.tensor;

import org.attune.tensor.kernel.GraphRecorder;

/// Launches of a GPU that are recorded once and made again by one call: a CUDA graph. They have the
/// same arguments each time: what changes stands in tensors, which are written before. A graph
/// keeps all memory that it touches; close it to free that. Untried on real GPUs. On the engine
/// thread.
/// ```
/// DeviceGraph graph = DeviceGraph.record(device, () -> step());
/// …
/// input.copyInPlace(next);
/// graph.launch();
/// ```
public final class DeviceGraph implements AutoCloseable {
    private static final String SWITCH = "attune.gpu.graphs";

    private final Device device;
    private final TensorScope held;
    private final GraphRecorder.Recorded launches;

    /// A step can't be recorded as a graph.
    public static final class Refused extends IllegalStateException {
        private static final long serialVersionUID = 1;

        private Refused(Device device, RuntimeException cause) {
            super("%s records no graph: %s".formatted(device, cause.getMessage()), cause);
        }
    }

    private DeviceGraph(Device device, TensorScope held, GraphRecorder.Recorded launches) {
        this.device = device;
        this.held = held;
        this.launches = launches;
    }

    /// Whether graphs are wanted: not with `-Dattune.gpu.graphs=off`.
    public static boolean isOn() {
        return !"off".equals(System.getProperty(SWITCH));
    }

    /// Computes a step twice at most: once by ordinary launches, so that libraries have made what
    /// they need, then it is recorded, which computes nothing on a GPU. Waits until the GPU has
    /// nothing left to do.
    ///
    /// @param device a GPU
    /// @param step calls that write into memory that is there already, of Attune's kernels, and of
    ///     operators in place or with an output. None may allocate, copy from or to the host, or
    ///     wait
    /// @throws Refused where it can't be recorded; it was computed once all the same
    /// @throws RuntimeException what the first, ordinary computation throws
    public static DeviceGraph record(Device device, Runnable step) {
        Engine.requireEngineThread();
        Placement.ready(device);
        if (!device.isGpu()) {
            throw new IllegalArgumentException("graphs are of GPUs, not of " + device);
        }
        device.finish(); // what records doesn't wait for other streams
        GraphRecorder recorder;
        try {
            recorder =
                    device.kernels()
                            .orElseThrow(() -> new IllegalStateException("there are no kernels"))
                            .recorder();
        } catch (IllegalStateException e) {
            step.run();
            throw new Refused(device, e);
        }
        try (recorder) {
            step.run();
            return recorded(device, recorder, step);
        } finally {
            device.finish();
        }
    }

    private static DeviceGraph recorded(Device device, GraphRecorder recorder, Runnable step) {
        Capture capture = Capture.begin(device, recorder);
        try {
            return new DeviceGraph(device, capture.held(), recorder.record(step));
        } catch (RuntimeException e) {
            capture.held().close();
            throw new Refused(device, e);
        } finally {
            capture.end();
        }
    }

    /// Has all of its launches made again, after what was asked before.
    public void launch() {
        Engine.requireEngineThread();
        Placement.ready(device);
        long begun = OperatorTimes.begin();
        var counting = DeviceTraffic.pause(); // what the graph asks for isn't asked one by one
        try {
            launches.launch();
        } finally {
            DeviceTraffic.goOn(counting);
        }
        OperatorTimes.end("cuGraphLaunch", begun);
        DeviceTraffic.called("cuGraphLaunch", device, false);
    }

    @Override
    public void close() {
        launches.close();
        held.close();
    }
}
