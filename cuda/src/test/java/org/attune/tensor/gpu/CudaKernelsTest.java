package org.attune.tensor.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.tensor.kernel.KernelSource;
import org.attune.tensor.kernel.KernelSource.Kind;
import org.attune.tensor.kernel.KernelSource.Signature;
import org.attune.tensor.kernel.Launch;
import org.junit.jupiter.api.Test;

import java.util.List;

/// Launches through CUDA's driver, with a driver of the test's own that notes what it is asked.
class CudaKernelsTest {
    private static final byte[] CODE = {1, 2, 3, 4};
    private static final long STREAM = 77;

    private static CudaKernels kernels(StubDriver stub) {
        return CudaKernels.of(new CudaDriver(stub.library()), 1, CODE, new StubStream(STREAM));
    }

    private static Launch launch() {
        Signature signature = KernelSource.attune().signature("attune_swiglu");
        return new Launch(signature, 3, 256, new long[] {1000, 2000, 48, 96, -1, 5});
    }

    @Test
    void argumentsReachTheKernel() {
        var stub = new StubDriver();
        CudaKernels kernels = kernels(stub);
        kernels.launch(launch());
        kernels.launch(launch());
        assertEquals(
                List.of(
                        "cuInit",
                        "cuDeviceGet 1",
                        "cuDevicePrimaryCtxRetain 1",
                        "cuCtxSetCurrent " + StubDriver.CONTEXT,
                        "cuModuleLoadData [1, 2, 3, 4]",
                        "cuModuleGetFunction " + StubDriver.MODULE + " attune_swiglu",
                        "cuLaunchKernel 3 256 77 [1000, 2000, 48, 96, -1, 5]",
                        "cuLaunchKernel 3 256 77 [1000, 2000, 48, 96, -1, 5]"),
                stub.calls());
    }

    @Test
    void anotherContextIsGoneBackTo() {
        var stub = new StubDriver();
        CudaKernels kernels = kernels(stub);
        stub.setContext(5);
        kernels.launch(launch());
        assertEquals(5, stub.context());
        assertTrue(stub.calls().contains("cuCtxSetCurrent 5"), stub.calls()::toString);
    }

    @Test
    void theGpuSaysWhatToCompileFor() {
        assertEquals("sm_90", new CudaDriver(new StubDriver().library()).architecture(0));
    }

    @Test
    void refusalsSayWhich() {
        var stub = new StubDriver();
        CudaKernels kernels = kernels(stub);
        stub.refuseLaunches();
        var error = assertThrows(IllegalStateException.class, () -> kernels.launch(launch()));
        assertEquals("cuLaunchKernel failed: CUDA_ERROR_STUB", error.getMessage());
        error =
                assertThrows(
                        IllegalStateException.class,
                        () -> new CudaDriver(name -> java.util.Optional.empty()));
        assertEquals("CUDA's driver lacks cuGetErrorName", error.getMessage());
    }

    @Test
    void blocksOfAttentionAreAsTheSourceHasThem() {
        String source = KernelSource.attune().text();
        assertTrue(source.contains("constexpr int HEADS = %d;".formatted(Launch.HEADS)));
        assertTrue(source.contains("constexpr int KEYS = %d;".formatted(Launch.KEYS)));
    }

    @Test
    void signaturesComeFromTheSource() {
        Signature draw = KernelSource.attune().signature("attune_draw");
        assertEquals(
                List.of(Kind.POINTER, Kind.POINTER, Kind.POINTER, Kind.INT, Kind.LONG, Kind.FLOAT),
                draw.parameters().stream().map(KernelSource.Parameter::kind).toList());
        assertThrows(IllegalArgumentException.class, () -> new Launch(draw, 1, 32, new long[5]));
        assertThrows(IllegalArgumentException.class, () -> new Launch(draw, 1, 2048, new long[6]));
        assertThrows(IllegalArgumentException.class, () -> new Launch(draw, 0, 32, new long[6]));
    }
}
