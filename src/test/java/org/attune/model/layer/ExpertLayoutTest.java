package org.attune.model.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.ExpertsConfig.RouterConfig;
import org.attune.tensor.DType;
import org.attune.testing.MemoryTensorFile;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Experts of gpt-oss's files, one by one and together.
class ExpertLayoutTest {
    private static final int EXPERTS = 3;
    private static final int INNER = 5;

    private static DecoderConfig config(String family, boolean biased) {
        var experts =
                new ExpertsConfig(
                        EXPERTS,
                        2,
                        INNER,
                        RouterConfig.softmax(true),
                        biased,
                        Optional.empty(),
                        0,
                        Set.of(),
                        ExpertsConfig.RouterLoss.NONE,
                        false);
        return TinyModels.mixture(family, TinyModels.llama(), INNER, experts);
    }

    private static float[] values(TensorFile file, String name) {
        try (Arena arena = Arena.ofConfined()) {
            return file.read(name, arena).toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    private static MemoryTensorFile joined(DecoderConfig config, TensorFile apart) {
        List<Source> sources = new ArrayList<>();
        apart.entries().values().forEach(e -> sources.add(Source.copyOf(apart, e)));
        var file = new MemoryTensorFile();
        try (Arena arena = Arena.ofConfined()) {
            for (Source s : StoredExperts.joined(config, sources)) {
                float[] values = s.data().apply(arena).toArray(ValueLayout.JAVA_FLOAT);
                file.put(s.name(), values, s.shape());
            }
        }
        return file;
    }

    /// Input features first, gate and up side by side.
    @Test
    void gptOssHoldsExpertsTransposedAndInterleaved() {
        DecoderConfig config = config("gpt_oss", true);
        MemoryTensorFile apart = TinyModels.weights(config);
        MemoryTensorFile together = joined(config, apart);
        String path = "model.layers.1.mlp.experts.";
        int width = config.hiddenSize();
        long[] shape = {EXPERTS, width, 2 * INNER};
        assertArrayEquals(shape, together.entries().get(path + "gate_up_proj").shape());
        float[] up = values(together, path + "gate_up_proj");
        float[] bias = values(together, path + "down_proj_bias");
        float[] one = values(apart, path + "2.up_proj.weight"); // (F, D)
        float[] down = values(apart, path + "2.down_proj.bias");
        for (int f = 0; f < INNER; f++) {
            for (int d = 0; d < width; d++) {
                int at = (2 * width + d) * 2 * INNER + 2 * f + 1;
                assertEquals(one[f * width + d], up[at]);
            }
        }
        for (int d = 0; d < width; d++) {
            assertEquals(down[d], bias[2 * width + d]);
        }
    }

    @Test
    void whatIsPutTogetherIsTakenApartAgain() {
        for (String family : new String[] {"gpt_oss", "granitemoe"}) {
            for (boolean biased : new boolean[] {false, true}) {
                DecoderConfig config = config(family, biased && family.equals("gpt_oss"));
                MemoryTensorFile apart = TinyModels.weights(config);
                try (TensorFile split = SplitExperts.of(config, joined(config, apart))) {
                    assertEquals(apart.entries().keySet(), split.entries().keySet());
                    for (TensorFile.Entry entry : apart.entries().values()) {
                        String name = entry.name();
                        assertArrayEquals(entry.shape(), split.entries().get(name).shape(), name);
                        assertArrayEquals(values(apart, name), values(split, name), name);
                    }
                }
            }
        }
    }

    /// 0x2F is 6, then 1 with sign bit 1 in the upper half: codes 15 (−6) and 2 (1).
    @Test
    void blocksOfFourBitsHaveTheLowerHalfFirst() {
        byte[] blocks = new byte[2 * 16];
        blocks[0] = 0x2F;
        blocks[16] = 0x71;
        byte[] scales = {(byte) 128, (byte) 126};
        var slice = new ExpertLayout.Slice("x_blocks", 0, new long[] {2, 32}, 32, 1);
        var bits =
                Mxfp4.bits(
                        slice,
                        () -> MemorySegment.ofArray(blocks),
                        () -> MemorySegment.ofArray(scales));
        float[] values;
        try (Arena arena = Arena.ofConfined()) {
            var matrix = new TensorFile.Entry("x", DType.FLOAT32, slice.shape());
            values = bits.decoded(matrix, arena).toArray(ValueLayout.JAVA_FLOAT);
        }
        assertArrayEquals(new float[] {-12, 2, 0}, java.util.Arrays.copyOf(values, 3));
        assertArrayEquals(new float[] {0.25f, 3, 0}, java.util.Arrays.copyOfRange(values, 32, 35));
    }

    @Test
    void blocksOfAnotherShapeAreNamed() {
        var blocks = new TensorFile.Entry("x_blocks", DType.UINT8, new long[] {3, 10, 1, 15});
        var scales = new TensorFile.Entry("x_scales", DType.UINT8, new long[] {3, 10, 1});
        var error =
                assertThrows(
                        ModelException.class,
                        () -> Mxfp4.decoded(blocks, Map.of("x_scales", scales)));
        assertTrue(error.getMessage().contains("x_blocks"), error.getMessage());
    }
}
