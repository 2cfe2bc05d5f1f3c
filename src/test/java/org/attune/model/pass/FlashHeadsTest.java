package org.attune.model.pass;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.FlashAttention;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Attention level by level equals dense attention over the whole forest, forward and backward.
class FlashHeadsTest {
    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int SIZE = 8;
    private static final DecoderConfig CONFIG =
            TinyModels.sized(
                    "llama",
                    32,
                    44,
                    31,
                    1,
                    new AttentionConfig(HEADS, KV_HEADS, SIZE, false, false, false, List.of(0)),
                    false,
                    true);

    private static Layout layout(List<Layout.Span> spans) {
        int rows = spans.isEmpty() ? 0 : spans.getLast().end();
        int[] positions = new int[rows];
        for (Layout.Span span : spans) {
            int before = 0;
            for (int p = span.parent(); p >= 0; p = spans.get(p).parent()) {
                before += spans.get(p).end() - spans.get(p).start();
            }
            for (int row = span.start(); row < span.end(); row++) {
                positions[row] = before + row - span.start();
            }
        }
        return new Layout(new int[rows], positions, spans);
    }

    /// Depth first; some segments are empty, some rows see their ancestors alone.
    private static Layout randomForest(UniformRandomProvider random) {
        List<Layout.Span> spans = new ArrayList<>();
        List<Integer> path = new ArrayList<>();
        int row = 0;
        int segments = 1 + random.nextInt(9);
        for (int i = 0; i < segments; i++) {
            int depth = random.nextInt(path.size() + 1);
            path.subList(depth, path.size()).clear();
            int parent = path.isEmpty() ? -1 : path.getLast();
            boolean hasKeys =
                    path.stream().anyMatch(p -> spans.get(p).end() > spans.get(p).start());
            boolean seesItself = !hasKeys || random.nextInt(4) > 0;
            int length = seesItself ? random.nextInt(7) : 1;
            spans.add(new Layout.Span(parent, row, row + length, seesItself, 0));
            row += length;
            if (seesItself) {
                path.add(i);
            }
        }
        return layout(spans);
    }

    /// 0 or −∞, `(N, N)`.
    private static double[] mask(Layout layout) {
        int n = layout.size();
        double[] mask = new double[n * n];
        Arrays.fill(mask, Double.NEGATIVE_INFINITY);
        for (Layout.Span span : layout.spans()) {
            for (int row = span.start(); row < span.end(); row++) {
                if (span.seesItself()) {
                    Arrays.fill(mask, row * n + span.start(), row * n + row + 1, 0);
                }
                for (int p = span.parent(); p >= 0; p = layout.spans().get(p).parent()) {
                    Layout.Span above = layout.spans().get(p);
                    Arrays.fill(mask, row * n + above.start(), row * n + above.end(), 0);
                }
            }
        }
        return mask;
    }

    /// Dense attention in float64: output `(N, CGK)`.
    private static Tensor dense(Tensor y, Layout layout) {
        Tensor mask = Tensor.of(Device.cpu(), mask(layout), layout.size(), layout.size());
        Tensor[] outs = new Tensor[HEADS];
        for (int h = 0; h < HEADS; h++) {
            int group = h / (HEADS / KV_HEADS);
            Tensor q = columns(y, h);
            Tensor k = columns(y, HEADS + group);
            Tensor v = columns(y, HEADS + KV_HEADS + group);
            Tensor scores = q.mm(k.t()).mul(CONFIG.attention().scale()).add(mask);
            outs[h] = scores.softmax(Tensor.LAST).mm(v);
        }
        return Tensor.cat(1, outs);
    }

    private static Tensor columns(Tensor y, int head) {
        return y.narrow(1, (long) head * SIZE, SIZE);
    }

    private static float[] numbers(UniformRandomProvider random, int count) {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = 2 * random.nextFloat() - 1;
        }
        return numbers;
    }

    private static void compare(Layout layout, UniformRandomProvider random, String name) {
        int n = layout.size();
        int width = (HEADS + 2 * KV_HEADS) * SIZE;
        float[] projections = numbers(random, n * width);
        float[] gradient = numbers(random, n * HEADS * SIZE);
        try (var _ = TensorScope.open("test")) {
            Tensor leaf = Tensor.of(Device.cpu(), projections, n, width).to(DType.FLOAT64).copy();
            leaf.requireGradient(true);
            Tensor expected;
            try (var _ = Autograd.enabled()) {
                expected = dense(leaf, layout);
                expected.backward(
                        Tensor.of(Device.cpu(), gradient, n, HEADS * SIZE).to(DType.FLOAT64));
            }
            Device gpu = Devices.simulated();
            Tensor y = Tensor.of(gpu, projections, n, width);
            FlashHeads heads = FlashHeads.of(CONFIG, layout, gpu).orElseThrow();
            FlashAttention.Result got = heads.attend(y);
            assertClose(name, expected.detach().toFloats(), got.out().toFloats(), 2e-6, 1e-5);
            Tensor dOut = Tensor.of(gpu, gradient, n, HEADS, SIZE);
            Tensor dy = heads.gradient(y, got, dOut);
            assertClose(name, leaf.gradient().toFloats(), dy.toFloats(), 1e-5, 1e-5);
        }
    }

    @Test
    void randomForestsAreAttendedAsDensely() {
        var random = RandomSource.XO_SHI_RO_256_PP.create(31L);
        int compared = 0;
        for (int i = 0; i < 60; i++) {
            Layout layout = randomForest(random);
            if (layout.size() > 0) {
                String name = "forest " + i + " " + layout.spans();
                Engine.run(() -> compare(layout, random, name));
                compared++;
            }
        }
        assertTrue(compared > 50, compared + " forests");
    }

    /// A prompt with two answers, and a text beside it.
    @Test
    void levelsAreRunsThatOnlyGrow() {
        List<Layout.Span> spans =
                List.of(
                        new Layout.Span(-1, 0, 5),
                        new Layout.Span(0, 5, 9),
                        new Layout.Span(0, 9, 12),
                        new Layout.Span(-1, 12, 15));
        FlashLevels levels = FlashLevels.of(layout(spans)).orElseThrow();
        assertEquals(2, levels.calls().size());
        FlashLevels.Call own = levels.calls().get(0);
        assertTrue(own.causal());
        assertArrayEquals(new int[] {0, 5, 9, 12, 15}, own.queries());
        assertArrayEquals(new int[] {0, 5, 9, 12, 15}, own.keys());
        FlashLevels.Call prompt = levels.calls().get(1);
        assertFalse(prompt.causal());
        assertArrayEquals(new int[] {0, 5, 12, 15, 15}, prompt.queries());
        assertArrayEquals(new int[] {0, 0, 5, 5, 15}, prompt.keys());
    }

    @Test
    void segmentsThatAreNotDepthFirstAreLeftToBlocks() {
        List<Layout.Span> spans =
                List.of(
                        new Layout.Span(-1, 0, 5),
                        new Layout.Span(0, 5, 9),
                        new Layout.Span(0, 9, 12),
                        new Layout.Span(1, 12, 15));
        assertTrue(FlashLevels.of(layout(spans)).isEmpty());
    }

    @Test
    void floatsWideHeadsAndProcessorsAreLeftToBlocks() {
        assertTrue(FlashAttention.serves(Devices.simulated(), DType.BFLOAT16, 64));
        assertFalse(FlashAttention.serves(Devices.simulated(), DType.FLOAT32, 64));
        assertFalse(FlashAttention.serves(Devices.simulated(), DType.BFLOAT16, 264));
        assertFalse(FlashAttention.serves(Devices.simulated(), DType.BFLOAT16, 20));
        assertFalse(FlashAttention.serves(Device.cpu(), DType.BFLOAT16, 64));
    }
}
