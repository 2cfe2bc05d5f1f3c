package org.attune.tensor.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;

/// Has the JVM compile the kernels while a model is still being read. Uncompiled they are a hundred
/// times slower, and the first training step would take three times as long as the next.
///
/// Loops run some 30 times a call. Longer ones are compiled while they run, by their count alone,
/// and a second time when the method is called again; shorter ones not before they are needed. The
/// launcher's thresholds fit this, and 16 tokens of one head to attention, whose tiles have loops
/// in loops.
public final class WarmUp {
    private static final int REPEATS = 100;
    private static final int ROWS = 64;
    private static final int WIDTH = 576;
    private static final int HEAD = 64;
    private static final int VOCABULARY = 576;
    private static final int SAMPLED = 4096; // tokens
    private static final int TOKENS = 16;
    private static final int ROWS_OF_PANEL = 8;
    private static final AttentionShape ONE_HEAD = new AttentionShape(1, 1, HEAD);
    private static final AttentionShape SHAPE = new AttentionShape(1, 3, HEAD);
    private static final int WIDE_HEADS = 5; // queries, key and value
    private static final float EPSILON = 1e-5f;

    // Parts of the memory.
    private static final int AREAS = 4;
    private static final int INPUT = 0;
    private static final int GRADIENT = 1;
    private static final int OUTPUT = 2;
    private static final int WORK = 3;

    private final boolean half;
    private final int bytes;
    private final MemorySegment memory;
    private final long area; // bytes of a part

    private WarmUp(boolean half, Arena arena) {
        this.half = half;
        bytes = half ? Short.BYTES : Float.BYTES;
        area = (long) ROWS * SAMPLED * Float.BYTES;
        memory = arena.allocate(AREAS * area, Float.BYTES);
    }

    /// Runs the kernels for rows, and those that sample.
    ///
    /// @param half whether numbers will be bfloat16
    /// @param generates whether tokens will be sampled
    public static void run(boolean half, boolean generates) {
        run(
                half,
                warmUp -> {
                    warmUp.rows();
                    if (generates) {
                        warmUp.sampling();
                    }
                });
    }

    /// Runs attention.
    ///
    /// @param tiles whether by [TileAttention], whose products are libtorch's
    public static void runAttention(boolean half, boolean tiles) {
        run(half, warmUp -> warmUp.attention(tiles));
    }

    private static void run(boolean half, Consumer<WarmUp> work) {
        try (var arena = Arena.ofConfined()) {
            var warmUp = new WarmUp(half, arena);
            for (int i = 0; i < REPEATS; i++) {
                work.accept(warmUp);
            }
        }
    }

    private long address(int part) {
        return memory.address() + part * area;
    }

    private Rows matrix(int part, int width) {
        return new Rows(address(part), (long) width * bytes, half);
    }

    private void rows() {
        long work = address(WORK);
        Rows x = matrix(INPUT, WIDTH);
        Rows dy = matrix(GRADIENT, WIDTH);
        Rows out = matrix(OUTPUT, WIDTH);
        var norm = new NormKernel(WIDTH, EPSILON, 0, address(INPUT));
        norm.forward(x, out, work, ROWS, 1);
        norm.backward(dy, x, work, dy, out, ROWS, 1);
        var swiglu = new SwigluKernel(WIDTH, false);
        Rows gateUp = matrix(INPUT, 2 * WIDTH);
        swiglu.forward(gateUp, out, ROWS, work, 1);
        swiglu.backward(dy, gateUp, ROWS, work, 1);
        var rotary = new RotaryKernel(3, 1, HEAD, HEAD, 1, work, work);
        for (boolean back : new boolean[] {false, true}) {
            rotary.rotate(matrix(INPUT, WIDE_HEADS * HEAD), ROWS, back, 1);
        }
        var vocabulary = new VocabularyKernel(VOCABULARY, 1);
        float[] scales = {1, 1};
        float[] statistics = new float[scales.length * VocabularyKernel.STATISTICS];
        vocabulary.run(matrix(INPUT, VOCABULARY), new int[] {1, 2}, scales, statistics, 1);
        optimizer();
        if (half) {
            var dropout = new DropoutKernel(KeptNumbers.of(1, "", 1), 2 * WIDTH);
            dropout.run(matrix(INPUT, 2 * WIDTH), matrix(OUTPUT, 2 * WIDTH), ROWS, 0, 1);
            dropout.addKept(0, 0, ROWS_OF_PANEL, HEAD, 1, address(INPUT), address(OUTPUT));
            panels();
        }
    }

    private void panels() {
        long from = address(INPUT);
        long to = address(OUTPUT);
        long rowBytes = (long) HEAD * Short.BYTES;
        PanelLoops.round(from, ROWS_OF_PANEL, HEAD, to, rowBytes);
        PanelLoops.roundSum(from, ROWS_OF_PANEL, HEAD, to, rowBytes, to, rowBytes);
        PanelLoops.addTo(from, ROWS_OF_PANEL, HEAD, 1, to, rowBytes);
        PanelLoops.roundScaled(from, ROWS_OF_PANEL, HEAD, 1, to, rowBytes);
        PanelLoops.addApart(from, ROWS_OF_PANEL, 1, to, rowBytes);
    }

    private void optimizer() {
        var places =
                new AdamWKernel.Places(
                        address(INPUT), address(GRADIENT), address(OUTPUT), address(WORK));
        var kernel = new AdamWKernel(1, 1, 1, 0, 1, 0, 1, 1, 0);
        for (int row = 0; row < ROWS; row++) {
            kernel.run(places, WIDTH, 1);
            RowCopies.write(address(INPUT), 1, WIDTH, half, address(OUTPUT));
            if (half) {
                AddKernel.run(address(INPUT), 1, address(OUTPUT), WIDTH, 1);
            }
        }
    }

    private void sampling() {
        long work = address(WORK);
        int[][] banned = {{1}};
        new SamplingKernel(SAMPLED, 1)
                .draw(
                        matrix(OUTPUT, SAMPLED),
                        banned,
                        new double[] {0.5},
                        new int[1],
                        new float[1],
                        work,
                        1);
        Rows qkv = matrix(INPUT, WIDE_HEADS * HEAD);
        Rows out = matrix(OUTPUT, WIDE_HEADS * HEAD);
        var cache = new CacheRows(address(INPUT), half, 1, ROWS, HEAD);
        int[] lengths = {ROWS - 1};
        var shared = new SharedBeginnings(new int[] {0}, new int[] {0}, new int[] {ROWS / 2});
        new DecodeKernel(SHAPE, 0).attend(qkv, cache, shared, lengths, out, work, 1);
    }

    private void attention(boolean tiles) {
        int middle = TOKENS / 2;
        var segments =
                List.of(
                        new AttentionSegment(0, middle, new int[] {0}, new int[] {middle}),
                        new AttentionSegment(middle, TOKENS, new int[] {0}, new int[] {TOKENS}));
        var attention = new AttentionKernel(ONE_HEAD, 0, segments, tiles);
        int width = 3 * HEAD; // query, key and value
        Rows qkv = matrix(INPUT, width);
        Rows out = matrix(OUTPUT, width);
        attention.forward(qkv, out, 0, address(WORK), 1);
        attention.backward(qkv, out, 0, matrix(GRADIENT, width), out, address(WORK), 1);
    }
}
