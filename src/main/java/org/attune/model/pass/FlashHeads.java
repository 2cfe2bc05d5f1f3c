package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.config.QkNorm;
import org.attune.model.layer.SelfAttention;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.FlashAttention;
import org.attune.tensor.FlashAttention.Entries;
import org.attune.tensor.FlashAttention.Result;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Attention on GPUs by [FlashAttention] over the projections as they stand, a call for each level
/// of the forest ([FlashLevels]). What a row saw in several calls is joined by the logarithms of
/// their sums; the backward pass is the sum of those of the calls, given the joined result.
///
/// Shapes: as in [FlashAttention]; `L` calls.
final class FlashHeads {
    private final DecoderConfig config;
    private final int longest;
    private final List<Entries> calls;

    private FlashHeads(DecoderConfig config, int longest, List<Entries> calls) {
        this.config = config;
        this.longest = longest;
        this.calls = calls;
    }

    /// Flash attention for the rows of a layout, in the current scope; empty where it can't be
    /// done.
    static Optional<FlashHeads> of(
            DecoderConfig config, Layout layout, Device device, DType dtype) {
        return config.rotatesAsKernels()
                        && config.attention().qkNorm() != QkNorm.TOGETHER
                        && config.attention().softcap() == 0
                        && !config.variesAttention()
                        && !layout.seesAhead(config.attention())
                        && FlashAttention.serves(device, dtype, config.headDim())
                ? of(config, layout, device)
                : Optional.empty();
    }

    /// Plans the calls for a layout without asking what the device serves.
    static Optional<FlashHeads> of(DecoderConfig config, Layout layout, Device device) {
        return FlashLevels.of(layout)
                .map(
                        levels -> {
                            List<Entries> calls = new ArrayList<>();
                            for (FlashLevels.Call c : levels.calls()) {
                                calls.add(Entries.of(device, c.queries(), c.keys(), c.causal()));
                            }
                            return new FlashHeads(config, layout.longestPath(), calls);
                        });
    }

    /// Whether a window of so many tokens, or 0 for none, hides nothing.
    boolean sees(int window) {
        return window == 0 || window >= longest;
    }

    /// @param y projections, `(N, (CG + 2C) K)`; changed and kept
    /// @param out its first columns are written, `(N, CGK + …)`
    Attended forward(SelfAttention b, Tensor y, Tensor out, PassContext pass) {
        Attended.QkNormed normed = prepare(b, y, pass);
        Result result = attend(y);
        heads(out).copyInPlace(result.out());
        return new Attended.Flash(normed, y, result.logs());
    }

    /// Computes again what the backward pass needs, where attention's output is there.
    Attended again(SelfAttention b, Tensor y, Tensor logs, PassContext pass) {
        return new Attended.Flash(prepare(b, y, pass), y, logs);
    }

    private static Attended.QkNormed prepare(SelfAttention b, Tensor y, PassContext pass) {
        Attended.QkNormed normed = HeadNorms.forward(b, y, pass);
        pass.rope(b).rotateHeads(y, pass.config(), false);
        return normed;
    }

    /// @param y normed and rotated, `(N, (CG + 2C) K)`
    Result attend(Tensor y) {
        List<Result> parts = new ArrayList<>();
        for (Entries call : calls) {
            parts.add(
                    FlashAttention.forward(
                            HeadViews.queries(y, config),
                            HeadViews.keys(y, config),
                            HeadViews.values(y, config),
                            call,
                            config.attention().scale()));
        }
        return parts.size() == 1 ? parts.getFirst() : FlashAttention.joinedWithLogs(parts);
    }

    /// @param out attention output, `(N, CGK + …)`
    /// @param dOut its gradient, `(N, CGK + …)`
    /// @return gradient of the projections, `(N, (CG + 2C) K)`
    Tensor backward(
            SelfAttention b, Tensor out, Tensor dOut, Attended.Flash saved, PassContext pass) {
        Tensor dy = gradient(saved.qkv(), new Result(heads(out), saved.logs()), heads(dOut));
        pass.rope(b).rotateHeads(dy, config, true);
        HeadNorms.backward(b, dy, saved.qkNormed(), pass);
        return dy;
    }

    /// Gradient of what [#attend] was given.
    Tensor gradient(Tensor y, Result result, Tensor dOut) {
        Tensor dy = Tensor.empty(y.device(), y.dtype(), y.shape());
        Tensor[] places = {
            HeadViews.queries(dy, config), HeadViews.keys(dy, config), HeadViews.values(dy, config)
        };
        for (int i = 0; i < calls.size(); i++) {
            Tensor[] d =
                    FlashAttention.backward(
                            dOut,
                            HeadViews.queries(y, config),
                            HeadViews.keys(y, config),
                            HeadViews.values(y, config),
                            result,
                            calls.get(i),
                            config.attention().scale());
            for (int j = 0; j < places.length; j++) {
                if (i == 0) {
                    places[j].copyInPlace(d[j]);
                } else {
                    places[j].addInPlace(d[j]);
                }
            }
        }
        return dy;
    }

    /// The first columns of `(N, CGK + …)`, a view `(N, CG, K)`.
    private Tensor heads(Tensor x) {
        return HeadViews.queries(x, config);
    }
}
