package org.attune.model.layer;

import static org.attune.testing.TensorAssert.assertClose;

import org.attune.tensor.Autograd;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

/// Inverses of unit triangles, against substitution in double precision.
class UnitTrianglesTest {
    private static final int MATRICES = 3;

    /// Strictly lower triangles. The first has equal rows, where sums of powers lose all digits.
    private static float[] below(int n) {
        float[] m = new float[MATRICES * n * n];
        var random = TinyModels.random("triangles " + n);
        for (int z = 0; z < MATRICES; z++) {
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < i; j++) {
                    m[(z * n + i) * n + j] = z == 0 ? 1 : (float) random.nextDouble(-1, 1) / 4;
                }
            }
        }
        return m;
    }

    private static double[] substituted(float[] m, int n) {
        double[] x = new double[m.length];
        for (int z = 0; z < MATRICES; z++) {
            int at = z * n * n;
            for (int i = 0; i < n; i++) {
                for (int j = 0; j <= i; j++) {
                    double sum = i == j ? 1 : 0;
                    for (int k = j; k < i; k++) {
                        sum -= m[at + i * n + k] * x[at + k * n + j];
                    }
                    x[at + i * n + j] = sum;
                }
            }
        }
        return x;
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    @Test
    void inversesOfAnySize() {
        for (int n : new int[] {1, 2, 3, 5, 16, 37, 64}) {
            float[] m = below(n);
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test")) {
                            Tensor in = Tensor.of(Device.cpu(), m, MATRICES, n, n);
                            float[] found = UnitTriangles.inverses(in).toFloats();
                            assertClose("n = " + n, floats(substituted(m, n)), found, 1e-4, 1e-4);
                        }
                    });
        }
    }

    /// `dM = −Xᵀ dX Xᵀ`.
    @Test
    void gradients() {
        int n = 7;
        float[] m = below(n);
        double[] x = substituted(m, n);
        float[] dx = new float[m.length];
        var random = TinyModels.random("gradients");
        for (int i = 0; i < dx.length; i++) {
            dx[i] = (float) random.nextDouble(-1, 1);
        }
        double[] dm = new double[m.length];
        for (int z = 0; z < MATRICES; z++) {
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < n; j++) {
                    for (int k = 0; k < n; k++) {
                        for (int l = 0; l < n; l++) {
                            int at = z * n * n;
                            dm[at + i * n + j] -=
                                    x[at + k * n + i] * dx[at + k * n + l] * x[at + j * n + l];
                        }
                    }
                }
            }
        }
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor in = Tensor.of(Device.cpu(), m, MATRICES, n, n);
                        Tensor leaf = in.requireGradient(true);
                        try (var _ = Autograd.enabled()) {
                            UnitTriangles.inverses(leaf)
                                    .backward(Tensor.of(Device.cpu(), dx, MATRICES, n, n));
                        }
                        float[] found = leaf.gradient().toFloats();
                        assertClose("gradient", floats(dm), found, 1e-4, 1e-4);
                    }
                });
    }
}
