package org.attune.tensor.vector;

/// Root-mean-square norms of heads that stand side by side in rows, behind a gate:
/// ```
/// y = o r w · silu(z),     r = 1 / √(mean(o²) + ε) of each head
/// ```
/// `o` and `w` are float32, `z` and `y` bfloat16 or float32.
public final class GatedNormKernel {
    /// Rows of an item of work.
    private static final int CHUNK = 16;

    private final int heads;
    private final int size;
    private final float epsilon;
    private final long weight;

    /// @param size of a head, a multiple of the vector's length
    /// @param weight address of `w`, float32 `(size)`
    public GatedNormKernel(int heads, int size, double epsilon, long weight) {
        this.heads = heads;
        this.size = size;
        this.epsilon = (float) epsilon;
        this.weight = weight;
    }

    private float factor(long head) {
        return (float) (1 / Math.sqrt(StateLoops.dot(head, head, size) / size + epsilon));
    }

    /// @param o `count` rows
    /// @param z gates
    /// @param out written, in the numbers of `z`
    public void forward(Rows o, Rows z, Rows out, int count, int threads) {
        KernelThreads.rows(
                threads,
                count,
                CHUNK,
                (_, row) -> {
                    for (int h = 0; h < heads; h++) {
                        long head = o.at(row, h * size);
                        ConvolutionLoops.gate(
                                z.half(),
                                head,
                                factor(head),
                                weight,
                                z.at(row, h * size),
                                size,
                                out.at(row, h * size));
                    }
                });
    }

    /// Gradients of `o` and `z`.
    ///
    /// @param d gradient of what [#forward] wrote, in the numbers of `z`
    /// @param dz written, likewise
    /// @param dO written, float32
    public void backward(Rows d, Rows o, Rows z, Rows dz, Rows dO, int count, int threads) {
        KernelThreads.rows(
                threads,
                count,
                CHUNK,
                (_, row) -> {
                    for (int h = 0; h < heads; h++) {
                        int column = h * size;
                        long head = o.at(row, column);
                        long to = dO.at(row, column);
                        float r = factor(head);
                        long own = d.at(row, column);
                        long gate = z.at(row, column);
                        long dGate = dz.at(row, column);
                        boolean half = z.half();
                        // In loops so small that the compiler inlines all that they call.
                        ConvolutionLoops.widen(half, gate, size, to);
                        ConvolutionLoops.siluBackward(to, head, size, to);
                        ConvolutionLoops.weigh(half, own, weight, r, to, size, half, dGate);
                        ConvolutionLoops.widen(half, gate, size, to);
                        ConvolutionLoops.silu(to, size, to);
                        ConvolutionLoops.weigh(half, own, weight, 1, to, size, false, to);
                        float along = StateLoops.dot(to, head, size);
                        // do = r (g - n mean(g n)), n = o r
                        StateLoops.difference(to, head, along * r * r / size, r, size, to);
                    }
                });
    }
}
