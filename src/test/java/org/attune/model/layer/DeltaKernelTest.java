package org.attune.model.layer;

import static org.attune.model.layer.StateScanTest.TREES;
import static org.attune.model.layer.StateScanTest.delta;
import static org.attune.model.layer.StateScanTest.device;
import static org.attune.model.layer.StateScanTest.floats;
import static org.attune.model.layer.StateScanTest.inputs;
import static org.attune.model.layer.StateScanTest.random;
import static org.attune.model.layer.StateScanTest.rows;
import static org.attune.model.layer.StateScanTest.slow;
import static org.attune.model.layer.StateScanTest.tensors;
import static org.attune.testing.TensorAssert.assertClose;

import org.attune.model.layer.StateScanTest.Kind;
import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.StateKernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.DeltaKernel;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/// The kernel of the delta rule against the recurrence, one token and one number at a time, and
/// its gradients against those of ordinary operators, which equal differences.
class DeltaKernelTest {
    /// Sizes that kernels take, keys that several heads share among them.
    private static final List<Kind> OF_KERNELS =
            List.of(delta(2, 4, 16, 32), delta(1, 1, 48, 16), delta(3, 3, 16, 16));

    private record ByKernel(DeltaKernel kernel, Tensor qkv, Tensor rates, int width) {
        static ByKernel of(Kind kind, Tensor[] inputs, List<Succession.Span> spans) {
            var scan = (DeltaScan) kind.scan();
            return new ByKernel(
                    new DeltaKernel(
                            scan.keyHeads(),
                            scan.heads(),
                            scan.keyDim(),
                            scan.valueDim(),
                            spans.stream().mapToInt(Succession.Span::parent).toArray(),
                            spans.stream().mapToInt(Succession.Span::start).toArray(),
                            spans.stream().mapToInt(Succession.Span::end).toArray()),
                    Tensor.cat(1, inputs[0], inputs[1], inputs[2]),
                    Tensor.cat(1, inputs[3], inputs[4]),
                    kind.out());
        }

        StateKernels.Delta run(Tensor before, Tensor after, boolean backward) {
            return StateKernels.delta(kernel, qkv, rates, width, before, after, backward);
        }
    }

    private static void withKernels(Consumer<Kind> check) {
        Engine.run(
                () -> {
                    int lanes = 16; // of the longest vectors
                    if (VectorKernels.serve(device(), DType.FLOAT32, lanes)) {
                        for (Kind kind : OF_KERNELS) {
                            try (var _ = TensorScope.open("test")) {
                                check.accept(kind);
                            }
                        }
                    }
                });
    }

    @Test
    void kernelsComputeTheRecurrence() {
        withKernels(
                kind -> {
                    int rows = rows(TREES);
                    double[][] inputs = inputs(kind, rows);
                    float[] wanted = floats(slow(kind, inputs, TREES));
                    ByKernel by = ByKernel.of(kind, tensors(kind, inputs), TREES);
                    for (boolean backward : new boolean[] {false, true}) {
                        float[] got = by.run(null, null, backward).out().toFloats();
                        assertClose(kind.scan().toString(), wanted, got, 2e-4, 2e-4);
                    }
                });
    }

    /// A chunk and some tokens, then one token, then more.
    @Test
    void kernelsGoOn() {
        withKernels(
                kind -> {
                    int rows = 50;
                    double[][] inputs = inputs(kind, rows);
                    float[] wanted =
                            floats(slow(kind, inputs, List.of(new Succession.Span(-1, 0, rows))));
                    Tensor[] all = tensors(kind, inputs);
                    Tensor state = Tensor.zeros(device(), DType.FLOAT32, kind.scan().numbers());
                    List<Tensor> parts = new ArrayList<>();
                    int from = 0;
                    for (int to : new int[] {37, 38, rows}) {
                        Tensor[] own = new Tensor[all.length];
                        for (int i = 0; i < own.length; i++) {
                            own[i] = all[i].narrow(0, from, to - from);
                        }
                        List<Succession.Span> span = List.of(new Succession.Span(-1, 0, to - from));
                        parts.add(ByKernel.of(kind, own, span).run(state, state, false).out());
                        from = to;
                    }
                    float[] got = Tensor.cat(0, parts.toArray(Tensor[]::new)).toFloats();
                    assertClose(kind.scan().toString(), wanted, got, 2e-4, 2e-4);
                });
    }

    @Test
    void gradientsOfKernelsEqualThoseOfOperators() {
        withKernels(
                kind -> {
                    int rows = rows(TREES);
                    double[][] inputs = inputs(kind, rows);
                    Tensor[] leaves = tensors(kind, inputs);
                    for (int i = 0; i < leaves.length; i++) {
                        leaves[i] = leaves[i].detach().requireGradient(true);
                    }
                    double[] weights = random(TinyModels.random("weights"), rows * kind.out());
                    Tensor dOut = Tensor.of(device(), floats(weights), rows, kind.out());
                    try (var _ = Autograd.enabled()) {
                        new Succession(device(), rows, TREES, 0, false)
                                .scan(kind.scan(), leaves)
                                .backward(dOut);
                    }
                    ByKernel by = ByKernel.of(kind, tensors(kind, inputs), TREES);
                    StateKernels.Delta made = by.run(null, null, true);
                    Tensor dQkv = Tensor.empty(device(), DType.FLOAT32, by.qkv().shape());
                    Tensor dRates = Tensor.empty(device(), DType.FLOAT32, by.rates().shape());
                    StateKernels.deltaBackward(
                            by.kernel(), by.qkv(), by.rates(), made, dOut, dQkv, dRates);
                    Tensor[] wanted =
                            Arrays.stream(leaves).map(Tensor::gradient).toArray(Tensor[]::new);
                    assertClose(
                            kind.scan() + " q, k, v",
                            Tensor.cat(1, wanted[0], wanted[1], wanted[2]).toFloats(),
                            dQkv.toFloats(),
                            5e-4,
                            5e-4);
                    assertClose(
                            kind.scan() + " g, β",
                            Tensor.cat(1, wanted[3], wanted[4]).toFloats(),
                            dRates.toFloats(),
                            5e-4,
                            5e-4);
                });
    }
}
