package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.SelfAttention;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.AttentionKernel;
import org.attune.tensor.vector.AttentionSegment;
import org.attune.tensor.vector.AttentionShape;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Attention by our own kernels, over the projections as they stand: queries, keys and values of a
/// row side by side. Nothing is copied or reordered, and short segments need no separate calls.
public final class JointHeads {
    /// With longer paths products of large blocks are faster than kernels whose own products are
    /// float32.
    private static final int MOST_KEYS = 640;

    private final DecoderConfig config;
    private final Layout layout;
    private final DType dtype;
    private final Map<Integer, AttentionKernel> kernelByWindow = new HashMap<>();

    public JointHeads(DecoderConfig config, Layout layout, DType dtype) {
        this.config = config;
        this.layout = layout;
        this.dtype = dtype;
    }

    /// Whether attention's products take bfloat16 numbers, tile by tile.
    static boolean inTiles(DecoderConfig config, Device device, DType dtype) {
        return Rope.hasKernel(config, device, dtype) && VectorKernels.hasTiles(dtype);
    }

    /// Whether the kernels can do it, and are the faster way.
    public static boolean suits(DecoderConfig config, Layout layout, Device device, DType dtype) {
        return Rope.hasKernel(config, device, dtype)
                && layout.longestPath() <= mostKeys(dtype)
                && !layout.seesAhead(config.attention());
    }

    /// Rows of the longest path for which they are the faster way, where they can do it.
    public static int mostKeys(DType dtype) {
        return VectorKernels.hasTiles(dtype) ? Integer.MAX_VALUE : MOST_KEYS;
    }

    /// @param y projections, `(N, (CG + 2C) K)`; changed and kept
    /// @param out its first columns are written, `(N, CGK + …)`
    Attended forward(SelfAttention b, Tensor y, Tensor out, PassContext pass) {
        Attended.QkNormed normed = prepare(b, y, pass);
        AttentionKernel kernel = kernel(b.window());
        Tensor logs =
                kernel.givesLogs()
                        ? Tensor.empty(y.device(), DType.FLOAT32, y.size(0), config.heads())
                        : null;
        VectorKernels.attention(kernel, y, out, logs);
        return new Attended.Joint(normed, y, logs);
    }

    /// Attention alone, for no backward pass.
    ///
    /// @param y normed and rotated, `(N, (CG + 2C) K)`
    /// @param out its first columns are written, `(N, CGK + …)`
    public void attend(int window, Tensor y, Tensor out) {
        VectorKernels.attention(kernel(window), y, out, null);
    }

    /// Computes again what the backward pass needs, where attention's output is there.
    ///
    /// @param logs that it gave with it, or null
    static Attended again(SelfAttention b, Tensor y, Tensor logs, PassContext pass) {
        return new Attended.Joint(prepare(b, y, pass), y, logs);
    }

    private static Attended.QkNormed prepare(SelfAttention b, Tensor y, PassContext pass) {
        Attended.QkNormed normed = HeadNorms.forward(b, y, pass);
        pass.rope(b).rotateJoint(y, false);
        pass.prefix()
                .ifPresent(
                        p ->
                                p.put(
                                        b,
                                        HeadViews.keys(y, pass.config()),
                                        HeadViews.values(y, pass.config())));
        return normed;
    }

    /// @param out attention output, `(N, CGK + …)`
    /// @param dOut its gradient, `(N, CGK + …)`
    /// @return gradient of the projections, `(N, (CG + 2C) K)`
    Tensor backward(
            SelfAttention b, Tensor out, Tensor dOut, Attended.Joint saved, PassContext pass) {
        Tensor qkv = saved.qkv();
        Tensor dy = Tensor.empty(qkv.device(), qkv.dtype(), qkv.shape());
        VectorKernels.attentionBackward(kernel(b.window()), qkv, out, saved.logs(), dOut, dy);
        pass.prefix()
                .ifPresent(
                        p -> p.learn(b, HeadViews.keys(dy, config), HeadViews.values(dy, config)));
        pass.rope(b).rotateJoint(dy, true);
        HeadNorms.backward(b, dy, saved.qkNormed(), pass);
        return dy;
    }

    private AttentionKernel kernel(int window) {
        AttentionShape shape = HeadViews.shape(config);
        boolean tiles = VectorKernels.hasTiles(dtype);
        return kernelByWindow.computeIfAbsent(
                window, w -> new AttentionKernel(shape, w, segments(), tiles));
    }

    private List<AttentionSegment> segments() {
        List<AttentionSegment> segments = new ArrayList<>();
        for (Layout.QueryBlock path : layout.paths()) {
            segments.add(
                    new AttentionSegment(
                            path.start(), path.end(), path.keyStarts(), path.keyEnds()));
        }
        return segments;
    }
}
