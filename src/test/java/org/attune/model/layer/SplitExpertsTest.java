package org.attune.model.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.ExpertsConfig.RouterConfig;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.Devices;
import org.attune.testing.MemoryTensorFile;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Set;

/// Files that hold all experts of a block in two tensors.
class SplitExpertsTest {
    private static final int EXPERTS = 3;
    private static final int INNER = 10;

    private static DecoderConfig config(String family, int shared) {
        var experts =
                new ExpertsConfig(
                        EXPERTS,
                        2,
                        INNER,
                        RouterConfig.softmax(true),
                        false,
                        Optional.empty(),
                        shared,
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

    /// The tensors of a file, with Mixtral's experts of each block in two.
    private static MemoryTensorFile fused(DecoderConfig config, TensorFile apart) {
        var file = new MemoryTensorFile();
        int width = config.hiddenSize();
        for (TensorFile.Entry entry : apart.entries().values()) {
            if (!entry.name().contains("block_sparse_moe")) {
                file.put(entry.name(), values(apart, entry.name()), entry.shape());
            }
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            String path = "model.layers." + layer + ".";
            float[] up = new float[EXPERTS * 2 * INNER * width];
            float[] down = new float[EXPERTS * width * INNER];
            for (int e = 0; e < EXPERTS; e++) {
                String expert = path + "block_sparse_moe.experts." + e + ".";
                int size = INNER * width;
                float[] gate = values(apart, expert + "w1.weight");
                System.arraycopy(gate, 0, up, 2 * e * size, size);
                float[] other = values(apart, expert + "w3.weight");
                System.arraycopy(other, 0, up, (2 * e + 1) * size, size);
                System.arraycopy(values(apart, expert + "w2.weight"), 0, down, e * size, size);
            }
            file.put(path + "mlp.experts.gate_up_proj", up, EXPERTS, 2 * INNER, width);
            file.put(path + "mlp.experts.down_proj", down, EXPERTS, width, INNER);
            file.put(
                    path + "mlp.gate.weight",
                    values(apart, path + "block_sparse_moe.gate.weight"),
                    EXPERTS,
                    width);
        }
        return file;
    }

    @Test
    void expertsAreThoseOfAFileThatHoldsThemOneByOne() {
        DecoderConfig config = config("mixtral", 0);
        MemoryTensorFile apart = TinyModels.weights(config);
        try (TensorFile split = SplitExperts.of(config, fused(config, apart))) {
            assertEquals(apart.entries().keySet(), split.entries().keySet());
            for (TensorFile.Entry entry : apart.entries().values()) {
                String name = entry.name();
                assertArrayEquals(entry.shape(), split.entries().get(name).shape(), name);
                assertArrayEquals(values(apart, name), values(split, name), name);
            }
        }
    }

    @Test
    void shapesThatDontFitTogetherAreNamed() {
        DecoderConfig config = config("mixtral", 0);
        MemoryTensorFile file = fused(config, TinyModels.weights(config));
        String name = "model.layers.0.mlp.experts.down_proj";
        int fewer = EXPERTS - 1;
        int width = config.hiddenSize();
        file.put(name, new float[fewer * width * INNER], fewer, width, INNER);
        var error = assertThrows(ModelException.class, () -> SplitExperts.of(config, file));
        assertTrue(error.getMessage().contains(name), error.getMessage());
        assertTrue(error.getMessage().contains("(E, 2F, D)"), error.getMessage());
    }

    @Test
    void aSharedExpertOfAnotherSizeIsNamed() {
        DecoderConfig config = config("qwen2_moe", 20);
        MemoryTensorFile file = TinyModels.weights(config);
        String name = "model.layers.0.mlp.shared_expert.down_proj.weight";
        file.put(name, new float[config.hiddenSize() * 19], config.hiddenSize(), 19);
        var error =
                assertThrows(
                        ModelException.class,
                        () ->
                                Engine.run(
                                        () ->
                                                Decoder.load(
                                                        config,
                                                        file,
                                                        Devices.usual(),
                                                        DType.FLOAT32)));
        assertTrue(error.getMessage().contains(name), error.getMessage());
        assertTrue(error.getMessage().contains("has shape"), error.getMessage());
    }
}
