package org.attune.tensor.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.tensor.kernel.GraphRecorder;
import org.attune.tensor.kernel.KernelSource;
import org.attune.tensor.kernel.Launch;
import org.junit.jupiter.api.Test;

import java.util.List;

/// Graphs through CUDA's driver, with a driver of the test's own that notes what it is asked.
class CudaGraphsTest {
    private static final long OTHER_STREAM = 77;

    private final StubDriver stub = new StubDriver();
    private final CudaKernels kernels =
            CudaKernels.of(
                    new CudaDriver(stub.library()), 0, new byte[4], new StubStream(OTHER_STREAM));
    private final CudaGraphs graphs = kernels.graphs();
    private final int begun = stub.calls().size();

    private List<String> calls() {
        return stub.calls().subList(begun, stub.calls().size());
    }

    private static Launch launch() {
        return new Launch(
                KernelSource.attune().signature("attune_swiglu"),
                3,
                256,
                new long[] {1, 2, 48, 96, -1, 5});
    }

    @Test
    void launchesAreRecordedOnTheirStream() {
        GraphRecorder.Recorded graph;
        try (GraphRecorder recorder = kernels.recorder()) {
            graph = recorder.record(() -> kernels.launch(launch()));
            assertFalse(recorder.takes(() -> {}), "the driver does");
        }
        graph.launch();
        graph.launch();
        graph.close();
        assertEquals(
                List.of(
                        "cuStreamCreate 1",
                        "cuStreamBeginCapture 44 1",
                        "cuModuleGetFunction 22 attune_swiglu",
                        "cuLaunchKernel 3 256 44 [1, 2, 48, 96, -1, 5]",
                        "cuStreamEndCapture 44",
                        "cuGraphInstantiate 55 0",
                        "cuGraphDestroy 55",
                        "cuGraphLaunch 66 77",
                        "cuGraphLaunch 66 77",
                        "cuGraphExecDestroy 66"),
                calls());
    }

    @Test
    void aFailedStepEndsTheRecording() {
        var error =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                graphs.record(
                                        () -> {
                                            throw new IllegalArgumentException("mine");
                                        }));
        assertEquals("mine", error.getMessage());
        assertEquals(
                List.of(
                        "cuStreamCreate 1",
                        "cuStreamBeginCapture 44 1",
                        "cuStreamEndCapture 44",
                        "cuGraphDestroy 55"),
                calls());
    }

    @Test
    void aSpoiltRecordingSaysSo() {
        stub.refuseLaunches();
        var error = assertThrows(IllegalStateException.class, () -> graphs.record(() -> {}));
        assertEquals("cuStreamEndCapture failed: CUDA_ERROR_STUB", error.getMessage());
        error =
                assertThrows(
                        IllegalStateException.class,
                        () -> graphs.record(() -> kernels.launch(launch())));
        assertEquals("cuLaunchKernel failed: CUDA_ERROR_STUB", error.getMessage());
        assertEquals("cuStreamEndCapture 44", calls().getLast());
    }

    @Test
    void anOldDriverIsNamed() {
        stub.remove("cuGraphInstantiateWithFlags");
        var error = assertThrows(IllegalStateException.class, () -> graphs.record(() -> {}));
        assertEquals("CUDA's driver lacks cuGraphInstantiateWithFlags", error.getMessage());
        assertEquals("cuGraphDestroy 55", calls().getLast());
    }
}
