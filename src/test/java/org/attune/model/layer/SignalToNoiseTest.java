package org.attune.model.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.Set;

/// Which matrices stand out from noise.
class SignalToNoiseTest {
    @Test
    void signalIsWhatIsAboveTheBoundOfNoise() {
        // quartiles 2.25 and 4.75, σ = 2.5 / 1.349, of a square matrix ε = 2 σ = 3.7064
        float[] s = {1, 2, 3, 4, 5, 9}; // (4 + 5 + 9) / (1 + 2 + 3) / 9
        assertEquals(18.0 / 6 / 9, SignalToNoise.ratio(s, 1), 1e-12);
        // a long one: ε = σ (1 + 0.1) = 2.0385
        assertEquals(21.0 / 3 / 9, SignalToNoise.ratio(s, 0.01), 1e-12);
    }

    @Test
    void aMatrixIsMeasuredByItsSingularValues() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        float[] diagonal = new float[6 * 6];
                        for (int i = 0; i < 6; i++) {
                            diagonal[i * 6 + i] = new float[] {1, 2, 3, 4, 5, 9}[i];
                        }
                        Tensor matrix = Tensor.of(Devices.usual(), diagonal, 6, 6);
                        assertEquals(1.0 / 3, SignalToNoise.ratio(matrix), 1e-6);
                    }
                });
    }

    @Test
    void theBestOfEachKindAreChosen() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(TinyModels.llama(), DType.FLOAT32)) {
                        Set<String> half = decoder.leastNoisy(0.5);
                        int blocks = decoder.blocks().size();
                        assertEquals(2 + 7 * (blocks / 2), half.size(), half.toString());
                        assertTrue(half.contains("lm_head.weight"));
                        assertTrue(half.contains("model.embed_tokens.weight"));
                        assertEquals(2 + 7 * blocks, decoder.leastNoisy(1).size());
                    }
                });
    }
}
