package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.OwnPages;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Hardware;
import org.attune.testing.ProcessMemory;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.function.Consumer;

/// What passes over long rows keep has its own pages, so that it leaves no gaps.
class LongRowsTest {
    private static final int LONG = 4096;

    private static final long MIB = 1L << 20;

    private static final DecoderConfig CONFIG = TinyModels.llama();

    private static TokenForest forest() {
        var builder = TokenForest.builder();
        int root = builder.root(TinyModels.tokens("row", CONFIG, LONG));
        builder.target(root, 1);
        builder.target(root, LONG - 1);
        return builder.build();
    }

    private static void withPolicy(Policy.Options options, Consumer<Policy> body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(CONFIG);
                            Policy policy = Policy.withAllWeights(decoder, options)) {
                        body.accept(policy);
                    }
                });
    }

    /// MiB with their own pages of a tensor. What malloc's heap has left over serves it first, so
    /// what is to get its own pages is larger than what any test leaves. On the engine thread.
    private static long mapped(long size) {
        long before = ProcessMemory.mappedBytes();
        try (var _ = TensorScope.open("large")) {
            Tensor large = Tensor.empty(Device.cpu(), DType.UINT8, size * MIB); // never touched
            return large.size() == 0 ? -1 : (ProcessMemory.mappedBytes() - before) / MIB;
        }
    }

    @Test
    void tensorsGetPagesOfTheirOwnWhileTheyAreToHaveThem() {
        Hardware.requireGlibc();
        Engine.run(
                () -> {
                    OwnPages.use(true);
                    try {
                        assertEquals(5000, mapped(5000));
                    } finally {
                        OwnPages.use(false);
                    }
                    assertEquals(0, mapped(500));
                });
    }

    @Test
    void aPassThatFailsInABlockLeavesMallocAsItWas() {
        Hardware.requireGlibc();
        withPolicy(
                Outcome.DEFAULT,
                policy -> {
                    policy.decoder()
                            .llamaBlocks()
                            .orElseThrow()
                            .get(1)
                            .postNorm()
                            .weight()
                            .base()
                            .close();
                    assertThrows(
                            IllegalStateException.class,
                            () -> policy.evaluate(forest(), HeadRequest.of()));
                    assertEquals(0, mapped(750));
                });
    }

    @Test
    void recomputationChangesNoBit() {
        float[] kept = gradients(Outcome.DEFAULT);
        assertArrayEquals(kept, gradients(Outcome.RECOMPUTE));
        assertArrayEquals(kept, gradients(Outcome.KEEP_ATTENTION));
    }

    private static float[] gradients(Policy.Options options) {
        float[][] gradients = new float[1][];
        withPolicy(
                options,
                policy -> {
                    try (var e = policy.evaluate(forest(), HeadRequest.of())) {
                        e.backward(new float[] {1, 2});
                    }
                    gradients[0] = policy.parameters().gradients().toFloats();
                });
        return gradients[0];
    }
}
