package org.attune.model.layer;

import org.attune.model.config.NormConfig;
import org.attune.model.config.VisionConfig;
import org.attune.model.config.VisionConfig.Names;
import org.attune.model.config.VisionEncoder;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// A block of an encoder of pictures: bidirectional attention and a feed-forward part, both on what
/// is normed before, and scaled in some families.
///
/// Shapes: `N` patches, `D` width, `H` heads, `K` head size.
final class VisionBlock {
    private final VisionEncoder config;
    private final Norm before;
    private final FusedLinear qkv;
    private final List<Norm> qkNorms;
    private final FusedLinear output;
    private final Norm second;
    private final FeedForward.Dense mlp;
    private final List<Weight> scales;

    VisionBlock(VisionConfig whole, int layer, WeightLoader loader) {
        config = whole.encoder();
        Names names = whole.names();
        String path = whole.block(layer);
        int width = config.width();
        before = loader.norm(config.norm(), path + names.norms().get(0), width);
        second = loader.norm(config.norm(), path + names.norms().get(1), width);
        List<String> projections = names.qkv();
        int[] outs = new int[projections.size()];
        Arrays.fill(outs, 3 * width / outs.length);
        qkv = loader.linear(width, config.qkvBias(), path, projections, outs);
        Optional<NormConfig> kind = config.qkNorm();
        qkNorms =
                kind.isEmpty()
                        ? List.of()
                        : names.qkNorms().stream()
                                .map(n -> loader.norm(kind.get(), path + n, width))
                                .toList();
        output = loader.linear(width, config.bias(), path, List.of(names.output()), width);
        mlp = mlp(loader, path, names);
        scales = names.scales().stream().map(n -> loader.numbers(path + n, width)).toList();
    }

    private FeedForward.Dense mlp(WeightLoader loader, String path, Names names) {
        int width = config.width();
        int inner = config.inner();
        int[] outs = new int[names.up().size()];
        Arrays.fill(outs, inner);
        FusedLinear up = loader.linear(width, config.bias(), path, names.up(), outs);
        FusedLinear down = loader.linear(inner, config.bias(), path, List.of(names.down()), width);
        return config.gated()
                ? new FeedForward.Gated(up, down, config.activation())
                : new FeedForward.Plain(up, down, config.activation());
    }

    List<FusedLinear> linears() {
        return List.of(qkv, output, mlp.up(), mlp.down());
    }

    List<Norm> norms() {
        List<Norm> all = new ArrayList<>(List.of(before, second));
        all.addAll(qkNorms);
        return all;
    }

    List<Weight> others() {
        return scales;
    }

    /// @param x `(N, D)`
    /// @param spans numbers of patches that see each other, one behind the other; their sum is `N`
    /// @param rotation of queries and keys, if places are known by it
    /// @return `(N, D)`
    Tensor apply(Tensor x, int[] spans, Optional<PatchRotation> rotation, Expression e) {
        Tensor y = attended(before.apply(x, e::value), spans, rotation, e);
        Tensor mixed = x.add(scaled(y, 0, e));
        return mixed.add(scaled(mlp.apply(second.apply(mixed, e::value), e), 1, e));
    }

    private Tensor scaled(Tensor y, int part, Expression e) {
        return scales.isEmpty() ? y : y.mul(e.value(scales.get(part)));
    }

    private Tensor attended(Tensor h, int[] spans, Optional<PatchRotation> rotation, Expression e) {
        Tensor y = e.of(qkv, h);
        int width = config.width();
        Tensor[] parts = new Tensor[3]; // (N, H, K)
        for (int i = 0; i < parts.length; i++) {
            Tensor part = y.narrow(1, (long) i * width, width);
            if (i < qkNorms.size()) {
                part = qkNorms.get(i).apply(part, e::value);
            }
            part = part.reshape(h.size(0), config.heads(), config.headSize());
            parts[i] = rotation.isPresent() && i < 2 ? rotation.get().apply(part) : part;
        }
        List<Tensor> mixed = new ArrayList<>();
        long from = 0;
        for (int i = 0; i < spans.length; ) {
            int alike = i + 1;
            while (alike < spans.length && spans[alike] == spans[i]) {
                alike++;
            }
            mixed.add(mixed(parts, from, alike - i, spans[i]));
            from += (long) (alike - i) * spans[i];
            i = alike;
        }
        Tensor all = mixed.size() == 1 ? mixed.get(0) : Tensor.cat(0, mixed.toArray(Tensor[]::new));
        return e.of(output, all);
    }

    /// Attention within each of some spans of one length.
    ///
    /// @return `(count · length, D)`
    private Tensor mixed(Tensor[] parts, long from, int count, int length) {
        Tensor q = byHead(parts[0], from, count, length); // (count, H, length, K)
        Tensor k = byHead(parts[1], from, count, length);
        Tensor v = byHead(parts[2], from, count, length);
        double scale = 1 / Math.sqrt(config.headSize());
        Tensor y =
                keepsScores(q.device())
                        ? inSteps(q, k, v, scale)
                        : Kernels.attention(q, k, v, scale);
        return y.transpose(1, 2).reshape((long) count * length, config.width());
    }

    private Tensor byHead(Tensor x, long from, int count, int length) {
        return x.narrow(0, from, (long) count * length)
                .reshape(count, length, config.heads(), config.headSize())
                .transpose(1, 2);
    }

    /// Whether a device computes attention with scores in memory, `(count H, length, length)`.
    static boolean keepsScores(Device device) {
        return !device.equals(Device.cpu());
    }

    /// Attention with scores between two products, for devices whose operator takes other shapes.
    private static Tensor inSteps(Tensor q, Tensor k, Tensor v, double scale) {
        long[] shape = q.shape();
        long heads = shape[0] * shape[1];
        Tensor keys = k.reshape(heads, shape[2], shape[3]).transpose(1, 2);
        Tensor scores = q.reshape(heads, shape[2], shape[3]).bmm(keys).mul(scale);
        Tensor shares = scores.to(DType.FLOAT32).softmax(Tensor.LAST).to(v.dtype());
        return shares.bmm(v.reshape(heads, shape[2], shape[3])).reshape(shape);
    }
}
