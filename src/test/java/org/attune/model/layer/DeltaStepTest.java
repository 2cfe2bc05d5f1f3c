package org.attune.model.layer;

import static org.attune.model.layer.StateScanTest.device;
import static org.attune.model.layer.StateScanTest.floats;
import static org.attune.testing.TensorAssert.assertClose;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.StateKernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.DeltaKernel;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;

/// A token of linear attention in one piece against the kernels of its parts, which have tests of
/// their own; states of other slots stay.
class DeltaStepTest {
    private static final int SLOTS = 5;
    private static final int[] OWN = {4, 0, 2};
    private static final double EPSILON = 1e-6;

    private final UniformRandomProvider random = TinyModels.random("a token");

    private record Sizes(int keyHeads, int heads, int keyDim, int valueDim, int taps) {
        int values() {
            return heads * valueDim;
        }

        int channels() {
            return 2 * keyHeads * keyDim + values();
        }
    }

    private Tensor random(DType dtype, long... shape) {
        int count = Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
        return Tensor.of(device(), floats(StateScanTest.random(random, count)), shape).to(dtype);
    }

    @Test
    void aTokenIsWhatItsPartsGive() {
        Engine.run(
                () -> {
                    for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
                        for (Sizes sizes :
                                List.of(
                                        new Sizes(2, 4, 16, 32, 4),
                                        new Sizes(1, 1, 48, 80, 2),
                                        new Sizes(3, 3, 16, 64, 1))) {
                            if (VectorKernels.serve(device(), dtype, 16)) {
                                try (var _ = TensorScope.open("test")) {
                                    check(sizes, dtype);
                                }
                            }
                        }
                    }
                });
    }

    private void check(Sizes s, DType dtype) {
        int count = OWN.length;
        List<Tensor> token =
                List.of(
                        random(dtype, count, s.channels()),
                        random(dtype, count, s.values()),
                        random(dtype, count, s.heads()),
                        random(dtype, count, s.heads()));
        Tensor taps = random(dtype, s.channels(), 1, s.taps());
        Tensor decay = random(dtype, s.heads());
        Tensor bias = random(dtype, s.heads());
        Tensor norm = random(dtype, s.valueDim());
        Tensor inputs = random(dtype, SLOTS, s.taps() - 1L, s.channels());
        Tensor matrices = random(DType.FLOAT32, SLOTS, (long) s.values() * s.keyDim());
        Tensor own = Tensor.of(device(), new long[] {4, 0, 2}, count);
        Tensor before = matrices.indexSelect(0, own);
        Tensor inputsBefore = inputs.indexSelect(0, own);
        float[] othersBefore = others(matrices);

        Tensor rates =
                Tensor.cat(
                        1,
                        Softplus.of(f(token.get(3)).add(f(bias))).mul(f(decay).exp().neg()),
                        f(token.get(2)).sigmoid());
        Tensor context =
                Tensor.cat(0, token.get(0), inputsBefore.reshape(-1, s.channels())).contiguous();
        Tensor qkv =
                new StateKernels.Convolution(
                                f(taps).select(1, 0).t().contiguous(),
                                s.keyHeads(),
                                s.keyDim(),
                                EPSILON,
                                before(count, s.taps()))
                        .forward(context, count);
        Tensor wantedOut = Tensor.empty(device(), dtype, count, s.values());
        Tensor o =
                StateKernels.delta(kernel(s), qkv, rates, s.values(), before, before, false).out();
        new StateKernels.GatedNorm(f(norm), s.heads(), EPSILON).forward(o, token.get(1), wantedOut);

        Tensor out = Tensor.empty(device(), dtype, count, s.values());
        StateKernels.deltaStep(
                new StateKernels.DeltaLayer(
                        s.keyHeads(), EPSILON, EPSILON, List.of(taps, decay, bias, norm)),
                token,
                inputs,
                matrices,
                OWN,
                out);
        double close = dtype == DType.FLOAT32 ? 1e-5 : 1e-2;
        assertClose(s + " out", f(wantedOut).toFloats(), f(out).toFloats(), close, close);
        float[] after = matrices.indexSelect(0, own).toFloats();
        assertClose(s + " states", before.toFloats(), after, 1e-5, 1e-5);
        assertClose(s + " other states", othersBefore, others(matrices), 0, 0);
        if (s.taps() > 1) {
            Tensor last = token.getFirst().reshape(count, 1, s.channels());
            checkInputs(s, inputsBefore, last, inputs.indexSelect(0, own));
        }
    }

    private static void checkInputs(Sizes s, Tensor before, Tensor last, Tensor after) {
        Tensor moved = Tensor.cat(1, before, last).narrow(1, 1, s.taps() - 1L);
        assertClose(s + " inputs", f(moved).contiguous().toFloats(), f(after).toFloats(), 0, 0);
    }

    private static Tensor f(Tensor x) {
        return x.to(DType.FLOAT32);
    }

    private static float[] others(Tensor matrices) {
        return matrices.indexSelect(0, Tensor.of(device(), new long[] {1, 3}, 2)).toFloats();
    }

    private static int[][] before(int count, int taps) {
        int[][] before = new int[taps - 1][count];
        for (int back = 1; back < taps; back++) {
            for (int row = 0; row < count; row++) {
                before[back - 1][row] = count + row * (taps - 1) + taps - 1 - back;
            }
        }
        return before;
    }

    private static DeltaKernel kernel(Sizes s) {
        int[] none = new int[OWN.length];
        Arrays.fill(none, -1);
        return new DeltaKernel(
                s.keyHeads(),
                s.heads(),
                s.keyDim(),
                s.valueDim(),
                none,
                new int[] {0, 1, 2},
                new int[] {1, 2, 3});
    }
}
