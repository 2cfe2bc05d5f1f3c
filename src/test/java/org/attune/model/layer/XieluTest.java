package org.attune.model.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ModelException;
import org.attune.model.config.Activation;
import org.attune.model.config.FeedForwardConfig;
import org.attune.tensor.Autograd;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.Test;

/// The activation that learns, against its formula in double.
class XieluTest {
    private static final float[] INPUTS = {-30, -3, -0.5f, -1e-3f, -1e-7f, 0, 1e-7f, 0.2f, 4};
    private static final double A = 0.3;
    private static final double B = -0.7;
    private static final double BETA = 0.5;
    private static final double BOUND = -1e-2; // far enough from 0 to be seen

    private static double softplus(double x) {
        return Math.log1p(Math.exp(x));
    }

    private static double expected(double x, double a, double b) {
        return x > 0
                ? softplus(a) * x * x + BETA * x
                : (Math.expm1(Math.min(x, BOUND)) - x) * (BETA + softplus(b)) + BETA * x;
    }

    @Test
    void valuesAndDerivativesAreThoseOfTheFormula() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor x = leaf(INPUTS);
                        Tensor a = leaf((float) A);
                        Tensor b = leaf((float) B);
                        Tensor beta = Tensor.of(Device.cpu(), new float[] {(float) BETA}, 1);
                        Tensor bound = Tensor.of(Device.cpu(), new float[] {(float) BOUND}, 1);
                        float[] y;
                        try (var _ = Autograd.enabled()) {
                            Tensor out = Xielu.activated(x, a, b, beta, bound);
                            out.sum().backward();
                            y = out.detach().toFloats();
                        }
                        compare(y, x.gradient().toFloats(), a.gradient(), b.gradient());
                    }
                });
    }

    private static Tensor leaf(float... values) {
        return Tensor.of(Device.cpu(), values, values.length).requireGradient(true);
    }

    private static void compare(float[] y, float[] dx, Tensor da, Tensor db) {
        double h = 1e-9; // smaller than the inputs
        double byA = 0;
        double byB = 0;
        for (int i = 0; i < INPUTS.length; i++) {
            double x = INPUTS[i];
            assertEquals(expected(x, A, B), y[i], 1e-6 * (1 + Math.abs(y[i])), "f(" + x + ")");
            if (x != 0) {
                double slope = (expected(x + h, A, B) - expected(x - h, A, B)) / (2 * h);
                assertEquals(slope, dx[i], 1e-5 * (1 + Math.abs(slope)), "f'(" + x + ")");
            }
            byA += (expected(x, A + 1e-5, B) - expected(x, A - 1e-5, B)) / 2e-5;
            byB += (expected(x, A, B + 1e-5) - expected(x, A, B - 1e-5)) / 2e-5;
        }
        assertEquals(byA, da.item(), 1e-4);
        assertEquals(byB, db.item(), 1e-4);
    }

    @Test
    void partsWithGatesRefuseIt() {
        assertThrows(
                ModelException.class,
                () -> new FeedForwardConfig(8, true, Activation.XIELU, false));
    }
}
