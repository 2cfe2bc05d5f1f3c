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
    static final int MOST_KEYS = 640;

    private final Layout layout;
    private final AttentionShape shape;
    private final Map<Integer, AttentionKernel> kernelByWindow = new HashMap<>();

    JointHeads(DecoderConfig config, Layout layout) {
        this.layout = layout;
        shape = HeadViews.shape(config);
    }

    /// Whether the kernels can do it, and are the faster way.
    static boolean suits(Layout layout, Pass pass) {
        return Rope.hasKernel(pass.config(), pass.device(), pass.dtype()) && fits(layout);
    }

    /// Whether they are the faster way, where they can do it.
    static boolean fits(Layout layout) {
        return layout.longestPath() <= MOST_KEYS;
    }

    /// @param y projections, `(N, (CG + 2C) K)`; changed and kept
    /// @param out its first columns are written, `(N, CGK + …)`
    Attended forward(Block b, Tensor y, Tensor out, Pass pass) {
        Attended.QkNormed normed = HeadNorms.forward(b, y, pass);
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
        HeadNorms.backward(b, dy, saved.qkNormed(), pass);
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
}
