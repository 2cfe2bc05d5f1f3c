package org.attune.model.layer;

import static org.attune.testing.RandomMatrices.random;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Hardware;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/// Layers of models that are too large to have copies beside their weights, until they get those
/// that decoding or nothing but forward passes read.
class FusedLinearCopiesTest {
    private static final int IN = 64;
    private static final int OUT = 96;
    private static final int RANK = 4;
    private static final int ROWS = 70;

    @BeforeEach
    void needsCopies() {
        Hardware.requireBfloat16Products();
    }

    /// What a layer gives: products, the gradient of its input, and those of its adapter.
    private record Seen(List<float[]> numbers) {
        void assertClose(Seen other) {
            for (int i = 0; i < numbers.size(); i++) {
                float[] a = numbers.get(i);
                float[] b = other.numbers.get(i);
                double largest = 0;
                double difference = 0;
                for (int k = 0; k < a.length; k++) {
                    largest = Math.max(largest, Math.abs(a[k]));
                    difference = Math.max(difference, Math.abs(a[k] - b[k]));
                }
                assertTrue(largest > 0.1, "number " + i + " is at most " + largest);
                assertEquals(0, difference, largest / 64, "number " + i);
            }
        }
    }

    private static Tensor half(long seed, int rows, int columns) {
        return random(seed, rows, columns).to(DType.BFLOAT16);
    }

    private static FusedLinear layer(TensorScope scope) {
        var parts =
                List.of(
                        new FusedLinear.Part("gate", 0, OUT / 2, false),
                        new FusedLinear.Part("up", OUT / 2, OUT / 2, false));
        var layer = new FusedLinear(scope, parts, IN, Device.cpu(), DType.BFLOAT16, false);
        List<LowRank> updates = new ArrayList<>();
        for (int part = 0; part < 2; part++) {
            layer.weight(part).copyInPlace(half(part, OUT / 2, IN));
            updates.add(
                    new LowRank(
                            part,
                            RANK,
                            2,
                            half(10 + part, RANK, IN),
                            half(20 + part, OUT / 2, RANK),
                            Tensor.zeros(Device.cpu(), DType.FLOAT32, RANK, IN),
                            Tensor.zeros(Device.cpu(), DType.FLOAT32, OUT / 2, RANK)));
        }
        layer.attachTrained(updates);
        layer.refreshTrained();
        return layer;
    }

    private static float[] product(FusedLinear layer, Adapter adapter) {
        Tensor hx = Tensor.zeros(Device.cpu(), DType.BFLOAT16, ROWS, IN + layer.extra(adapter));
        hx.narrow(1, 0, IN).copyInPlace(half(30, ROWS, IN));
        return layer.forward(hx, adapter, Dropout.NONE).toFloats();
    }

    private static Seen seen(FusedLinear layer) {
        return seen(layer, Dropout.NONE);
    }

    private static Seen seen(FusedLinear layer, Dropout dropout) {
        List<float[]> numbers = new ArrayList<>();
        numbers.add(product(layer, Adapter.OFF));
        Tensor hx = Tensor.empty(Device.cpu(), DType.BFLOAT16, ROWS, IN + 2 * RANK);
        hx.narrow(1, 0, IN).copyInPlace(half(30, ROWS, IN));
        numbers.add(layer.forward(hx, Adapter.TRAINED, dropout).toFloats());
        numbers.add(hx.narrow(1, IN, 2 * RANK).contiguous().toFloats());
        for (LowRank update : lowRank(layer)) {
            update.gradientA().zeroInPlace();
            update.gradientB().zeroInPlace();
        }
        numbers.add(layer.backward(half(40, ROWS, OUT), hx, dropout).toFloats());
        for (LowRank update : lowRank(layer)) {
            numbers.add(update.gradientA().toFloats());
            numbers.add(update.gradientB().toFloats());
        }
        return new Seen(numbers);
    }

    private static List<LowRank> lowRank(FusedLinear layer) {
        return layer.updates(Adapter.TRAINED).stream().map(LowRank.class::cast).toList();
    }

    private static void serveTokens(FusedLinear layer) {
        DecodingCopy copy = layer.decodingCopy();
        copy.serve(Tensor.empty(Device.cpu(), DType.BFLOAT16, copy.numbers()));
    }

    @Test
    void theCopyThatDecodingReadsServesAllPasses() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        FusedLinear layer = layer(scope);
                        Seen plain = seen(layer);
                        serveTokens(layer);
                        assertTrue(
                                layer.decodingCopy()
                                        .of(AdapterRows.all(Adapter.TRAINED))
                                        .isPresent());
                        plain.assertClose(seen(layer));
                        layer.packBackward();
                        assertTrue(layer.packsBackward());
                        plain.assertClose(seen(layer));

                        FusedLinear other = layer(scope);
                        for (FusedLinear each : List.of(layer, other)) {
                            lowRank(each).forEach(u -> u.b().copyInPlace(half(50, OUT / 2, RANK)));
                            each.refreshTrained();
                        }
                        seen(other).assertClose(seen(layer));
                    }
                });
    }

    /// Of weights with copies the adapter's products are part of others; [LowRank] has them by
    /// themselves.
    @Test
    void dropoutIsTheSameWithCopiesAndInSeparateProducts() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        var dropout = new Dropout(0.3, 5);
                        FusedLinear layer = layer(scope);
                        Seen plain = seen(layer, dropout);
                        List<float[]> reduced = new ArrayList<>();
                        for (LowRank update : lowRank(layer)) {
                            Tensor u = half(0, ROWS, RANK);
                            String path = layer.parts().get(update.part()).path();
                            update.reduce(half(30, ROWS, IN), dropout.mask(path), u);
                            reduced.add(u.toFloats());
                        }
                        Tensor hx = half(0, ROWS, IN + 2 * RANK);
                        hx.narrow(1, 0, IN).copyInPlace(half(30, ROWS, IN));
                        layer.reduce(hx, Adapter.TRAINED, dropout);
                        List<float[]> columns = new ArrayList<>();
                        for (int part = 0; part < 2; part++) {
                            Tensor u = hx.narrow(1, IN + part * RANK, RANK);
                            columns.add(u.contiguous().toFloats());
                        }
                        new Seen(reduced).assertClose(new Seen(columns));

                        serveTokens(layer);
                        layer.packBackward();
                        assertTrue(layer.packsBackward());
                        plain.assertClose(seen(layer, dropout));
                    }
                });
    }

    @Test
    void forwardPassesAloneNeedNoPlainWeights() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        FusedLinear layer = layer(scope);
                        Seen plain =
                                new Seen(
                                        List.of(
                                                product(layer, Adapter.OFF),
                                                product(layer, Adapter.TRAINED)));
                        layer.keepForward();
                        plain.assertClose(
                                new Seen(
                                        List.of(
                                                product(layer, Adapter.OFF),
                                                product(layer, Adapter.TRAINED))));
                    }
                });
    }
}
