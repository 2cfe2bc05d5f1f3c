package org.attune.tensor.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.tensor.Device;
import org.junit.jupiter.api.Test;

class CudaGpusTest {
    /// It says what was looked for, or the GPU is there.
    @Test
    void theServiceLoaderFindsThem() {
        if (new CudaGpus().count() > 0) {
            assertEquals("cuda:0", Device.parse("cuda:0").toString());
            return;
        }
        var error = assertThrows(ConfigException.class, () -> Device.parse("cuda"));
        assertTrue(
                error.getMessage()
                        .startsWith("device: cuda was asked for, but no GPU can be used."),
                error::getMessage);
    }

    @Test
    void gpusThatAreNotThereAreRefused() {
        assertThrows(ConfigException.class, () -> Device.parse("cuda:999"));
    }
}
