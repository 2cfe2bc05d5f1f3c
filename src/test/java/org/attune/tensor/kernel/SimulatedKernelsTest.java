package org.attune.tensor.kernel;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SimulatedKernelsTest {
    @Test
    void everyKernelHasAStandIn() {
        assertTrue(SimulatedKernels.knowsAll(KernelSource.attune()));
    }
}
