package org.attune.adapter;

import static org.attune.testing.TensorAssert.assertClose;

import org.attune.adapter.formula.WeightFormula;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

class PromptFormulasTest {
    /// What torch's layers make of sines of 1, 2, 3 …, in the order of their parameters.
    @Test
    void encodersOfPromptsAreTorchs() {
        assertClose(
                "LSTM",
                new float[] {
                    -1.366773f,
                    -0.818804f,
                    2.690343f,
                    -1.386243f,
                    -0.878796f,
                    2.788239f,
                    -1.328748f,
                    -0.804515f,
                    2.633638f
                },
                encoded(PromptFormulas.recurrent(2, 2, 2)),
                2e-6,
                0);
        assertClose(
                "three layers",
                new float[] {
                    0.5322f,
                    1.72706f,
                    -0.434003f,
                    0.306634f,
                    1.344378f,
                    0.291838f,
                    0.263477f,
                    1.386841f,
                    0.279483f
                },
                encoded(PromptFormulas.layers(2, 4)),
                2e-6,
                0);
        assertClose(
                "projection",
                new float[] {
                    -1.456821f,
                    0.585554f,
                    2.008081f,
                    -0.736417f,
                    -0.208725f,
                    2.326028f,
                    -0.755127f,
                    0.504443f,
                    1.412423f
                },
                encoded(PromptFormulas.projection(2, 4, false)),
                2e-6,
                0);
    }

    private static float[] encoded(WeightFormula formula) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        int next = 1;
                        List<Tensor> tensors = new ArrayList<>();
                        for (WeightFormula.Part part : formula.parts(3, 3)) {
                            long count = Arrays.stream(part.shape()).reduce(1, (a, b) -> a * b);
                            float[] sines = new float[(int) count];
                            for (int i = 0; i < count; i++) {
                                sines[i] = (float) Math.sin(next++);
                            }
                            tensors.add(Tensor.of(Devices.usual(), sines, part.shape()));
                        }
                        return formula.delta(new WeightFormula.Base(3, 3, () -> null), tensors)
                                .toFloats();
                    }
                });
    }
}
