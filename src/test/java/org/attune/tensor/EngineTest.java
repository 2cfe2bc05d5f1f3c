package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.List;

class EngineTest {
    /// oneDNN's names of sets of instructions.
    @Test
    void aProcessorThatMayUseLessHasNoFastBfloat16() {
        for (String most : List.of("SSE41", "AVX", "avx2", "AVX2_VNNI", "AVX512_CORE_VNNI")) {
            assertTrue(Engine.isWithheld(most), most);
        }
        for (String most : List.of("ALL", "default", "AVX512_CORE_BF16", "avx512_core_amx")) {
            assertFalse(Engine.isWithheld(most), most);
        }
        assertFalse(Engine.isWithheld(null));
    }
}
