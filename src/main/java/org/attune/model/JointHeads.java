package org.attune.model;

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
/// row side by side. Nothing is copied or reordered, and short segments cost no calls of their own.
final class JointHeads {
    /// With longer paths products of large blocks in bfloat16 are faster than kernels in float32.
    private static final int MOST_KEYS = 640;

    private final DecoderConfig config;
    private final Layout layout;
    private final AttentionShape shape;
    private final Map<Integer, AttentionKernel> kernelByWindow = new HashMap<>();

    JointHeads(DecoderConfig config, Layout layout) {
        this.config = config;
        this.layout = layout;
        shape =
                new AttentionShape(
                        config.kvHeads(), config.heads() / config.kvHeads(), config.headDim());
    }

    /// Whether the kernels can do it, and are the faster way.
    static boolean suits(Layout layout, Pass pass) {
        return pass.rope().hasKernel(pass.device(), pass.dtype())
                && layout.longestPath() <= MOST_KEYS;
    }

    /// @param y projections, `(N, (CG + 2C) K)`; changed and kept
    /// @param out its first columns are written, `(N, CGK + …)`
    Attended forward(Block b, Tensor y, Tensor out, Pass pass) {
        Attended.QkNormed normed = null;
        if (b.queryNorm() != null) {
            Tensor queries = queries(y);
            Tensor keys = keys(y);
            Tensor projections = queriesAndKeys(y).copy(); // (N, CG + C, K)
            Tensor rq = b.queryNorm().forward(queries.copy(), queries, pass.adapter());
            Tensor rk = b.keyNorm().forward(keys.copy(), keys, pass.adapter());
            normed = new Attended.QkNormed(projections, rq, rk);
        }
        pass.rope().rotateJoint(y, false);
        VectorKernels.attention(kernel(b.window()), y, out);
        return new Attended.Joint(normed, y);
    }

    /// @param dOut gradient of the attention output, `(N, CGK + …)`
    /// @return gradient of the projections, `(N, (CG + 2C) K)`
    Tensor backward(Block b, Tensor dOut, Attended.Joint saved, Pass pass) {
        Tensor qkv = saved.qkv();
        Tensor dy = Tensor.empty(qkv.device(), qkv.dtype(), qkv.shape());
        VectorKernels.attentionBackward(kernel(b.window()), dOut, qkv, dy);
        pass.rope().rotateJoint(dy, true);
        if (saved.qkNormed() != null) {
            SplitHeads.normBackward(b, queries(dy), keys(dy), saved.qkNormed(), pass);
        }
        return dy;
    }

    private AttentionKernel kernel(int window) {
        return kernelByWindow.computeIfAbsent(
                window, w -> new AttentionKernel(shape, w, segments()));
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

    private Tensor queriesAndKeys(Tensor y) {
        return byHead(y, 0, config.heads() + config.kvHeads());
    }

    private Tensor queries(Tensor y) {
        return byHead(y, 0, config.heads());
    }

    private Tensor keys(Tensor y) {
        return byHead(y, config.heads(), config.kvHeads());
    }

    /// Some heads of `(N, …)`, a view `(N, count, K)`.
    private Tensor byHead(Tensor y, int first, int count) {
        int size = config.headDim();
        return y.viewAs(
                new long[] {y.size(0), count, size},
                new long[] {y.stride(0), size, 1},
                (long) first * size);
    }
}
