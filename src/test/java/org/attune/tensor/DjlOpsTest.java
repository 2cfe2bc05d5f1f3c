package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;

class DjlOpsTest {
    /// DJL's manager would note each of them, at every address that there ever was.
    @Test
    void nothingIsNotedOfTensorsThatWereMadeAndFreed() {
        Engine.run(
                () -> {
                    assumeTrue(Engine.ops() instanceof DjlOps, "another libtorch");
                    var ops = (DjlOps) Engine.ops();
                    try (var _ = TensorScope.open("test")) {
                        Tensor x = Tensor.zeros(Device.cpu(), DType.FLOAT32, 2, 3);
                        int before = ops.noted();
                        for (int i = 0; i < 500; i++) { // all alive, so each has its own address
                            Tensor y = ops.reshape(ops.add(x, x), 3, 2);
                            ops.cat(new Tensor[] {y, ops.sum(y, new long[] {0}, true)}, 0);
                        }
                        assertEquals(before, ops.noted());
                    }
                });
    }
}
