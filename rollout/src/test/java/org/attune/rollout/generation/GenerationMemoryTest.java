package org.attune.rollout.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.decode.KvCache;
import org.attune.model.pass.ActivationBytes;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The estimate against the tensors of a cache, and against the formula.
class GenerationMemoryTest {
    @ParameterizedTest
    @CsvSource({"1, 5, 7", "3, 40, 1", "8, 16, 25"})
    void theCacheTakesWhatIsEstimated(int slots, int prompt, int newTokens) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var decoder = TinyModels.decoder(TinyModels.qwen3())) {
                        var memory = GenerationMemory.of(decoder, prompt, newTokens);
                        assertEquals(prompt + newTokens - 1, memory.capacity());
                        long before = TensorScope.liveBytes();
                        try (var _ = new KvCache(decoder, slots, memory.capacity())) {
                            assertEquals(memory.cache(slots), TensorScope.liveBytes() - before);
                        }
                    }
                });
    }

    /// SmolLM2-135M in bfloat16: 30 blocks, 3 key heads of 64.
    @Test
    void theEstimateIsTheFormula() {
        var config = TinyModels.smol(30, 49_152);
        var activations = ActivationBytes.of(config, DType.BFLOAT16, 112);
        var memory = new GenerationMemory(config, DType.BFLOAT16, activations, 49, 64, 1);
        long cache = 2L * 2 * 30 * 32 * 112 * 192;
        long block = activations.input() + activations.saved() + activations.atWork();
        long scores = 512L * 49 * (2 * 9 + 2 + 8);
        long logits = 32L * 49_152 * 22;
        assertEquals(cache, memory.cache(32));
        assertEquals(cache + 512 * block + scores + logits, memory.bytes(32));
        assertTrue(memory.bytes(1) < memory.bytes(2), "fewer sequences take less");
    }
}
