package org.attune.model.pass;

import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.RopeConfig;
import org.attune.model.config.RopeTable;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TokenPass;
import org.attune.tensor.VectorKernels;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Rotary position embedding of one pass: cosines and sines of its rows
/// ([Su et al. 2021, Eq. 34](https://arxiv.org/abs/2104.09864), in the form that rotates halves).
///
/// Queries are multiplied by the attention scale, `1/√K` in most families, with the rotation, which
/// saves a pass over the scores.
public final class Rope {
    private final int rotary;
    private final RopeConfig.Pairs pairs;
    private final double scale;
    private final VectorKernels.RotatedHeads heads;
    private final Tensor exactCos; // float32 (N, 1, rotary / 2)
    private final Tensor exactSin;
    private final Tensor cos; // (N, 1, rotary / 2)
    private final Tensor sin; // (N, 1, rotary / 2)
    private final Tensor scaledCos; // the same times the attention scale
    private final Tensor scaledSin;
    private final Optional<Tensor> growth; // factors of queries, (N, 1, 1)

    /// Cosines and sines of a pass's rows, float32 `(N, 1, rotary / 2)`.
    public record Angles(Tensor cos, Tensor sin) {
        /// The angles of a layout's rows.
        public static Angles of(DecoderConfig config, Layout layout, Device device) {
            return of(config.rope(), config.attention().rotatedHead(), layout, device);
        }

        private static Angles of(RopeConfig rope, int headDim, Layout layout, Device device) {
            int half = rope.rotaryDim(headDim) / 2;
            int n = layout.size();
            float[] c = new float[n * half];
            float[] s = new float[n * half];
            if (rope.sections().isPresent()) {
                fillStreams(rope, headDim, layout, c, s);
            } else {
                fill(rope, headDim, layout, c, s);
            }
            return new Angles(Tensor.of(device, c, n, 1, half), Tensor.of(device, s, n, 1, half));
        }
    }

    /// @param headDim features of a head that positions may rotate
    Rope(
            DecoderConfig config,
            RopeConfig rope,
            int headDim,
            Layout layout,
            Device device,
            DType dtype) {
        this(
                config,
                rope,
                headDim,
                Angles.of(rope, headDim, layout, device),
                growth(rope, false, layout, device),
                dtype);
    }

    /// @param still whether it is that of layers that rotate nothing
    private static Optional<Tensor> growth(
            RopeConfig rope, boolean still, Layout layout, Device device) {
        return rope.growth()
                .filter(growth -> growth.still() == still)
                .map(growth -> growth(growth, layout, device));
    }

    /// Factors of queries, float32 `(N, 1, 1)`.
    private static Tensor growth(RopeConfig.Growth growth, Layout layout, Device device) {
        float[] factors = new float[layout.size()];
        for (int row = 0; row < factors.length; row++) {
            factors[row] = (float) growth.at(layout.positions()[row]);
        }
        return Tensor.of(device, factors, factors.length, 1, 1);
    }

    private static Tensor grown(Tensor x, Optional<Tensor> growth) {
        return growth.map(x::mul).orElse(x);
    }

    /// A rotation by an angle of 0: queries are scaled, and grown where they grow.
    Rope still(DecoderConfig config, Layout layout, Device device, DType dtype) {
        Tensor ones = exactCos.mul(0).add(1);
        var none = new Angles(ones, exactSin.mul(0));
        var growth = growth(config.rope(), true, layout, device);
        int headDim = config.attention().rotatedHead();
        return new Rope(config, config.rope(), headDim, none, growth, dtype);
    }

    private Rope(
            DecoderConfig config,
            RopeConfig rope,
            int headDim,
            Angles exact,
            Optional<Tensor> growth,
            DType dtype) {
        rotary = rope.rotaryDim(headDim);
        pairs = rope.pairs();
        scale = config.attention().scale();
        exactCos = exact.cos();
        exactSin = pairs == RopeConfig.Pairs.HALVES_BACK ? exact.sin().neg() : exact.sin();
        cos = exactCos.to(dtype);
        sin = exactSin.to(dtype);
        this.growth = growth.map(g -> g.to(dtype));
        scaledCos = grown(exactCos.mul(scale), growth).to(dtype);
        scaledSin = grown(exactSin.mul(scale), growth).to(dtype);
        heads = heads(config);
    }

    /// Heads as kernels rotate them: queries, times the attention scale, then keys.
    public static VectorKernels.RotatedHeads heads(DecoderConfig config) {
        return new VectorKernels.RotatedHeads(
                config.heads(),
                config.kvHeads(),
                config.headDim(),
                config.rope().rotaryDim(config.attention().rotatedHead()),
                config.attention().scale());
    }

    private static void fill(
            RopeConfig rope, int headDim, Layout layout, float[] cos, float[] sin) {
        int half = rope.rotaryDim(headDim) / 2;
        boolean varies = rope.dependsOnLength();
        int[] lengths = varies ? layout.totalLengths() : new int[0];
        int[] positions = layout.positions();
        RopeTable table = RopeTable.of(rope, headDim, 0);
        int tableLength = 0;
        float[][] cosOf = new float[varies ? 0 : Arrays.stream(positions).max().orElse(0) + 1][];
        float[][] sinOf = new float[cosOf.length][];
        for (int row = 0; row < positions.length; row++) {
            if (varies && lengths[row] != tableLength) {
                tableLength = lengths[row];
                table = RopeTable.of(rope, headDim, tableLength);
            }
            int p = positions[row];
            if (!varies && cosOf[p] != null) {
                System.arraycopy(cosOf[p], 0, cos, row * half, half);
                System.arraycopy(sinOf[p], 0, sin, row * half, half);
                continue;
            }
            for (int i = 0; i < half; i++) {
                // The angle is a float32 product, as transformers computes it.
                float angle = (float) table.inverseFrequencies()[i] * p;
                cos[row * half + i] = (float) (Math.cos(angle) * table.attentionScaling());
                sin[row * half + i] = (float) (Math.sin(angle) * table.attentionScaling());
            }
            if (!varies) {
                cosOf[p] = Arrays.copyOfRange(cos, row * half, (row + 1) * half);
                sinOf[p] = Arrays.copyOfRange(sin, row * half, (row + 1) * half);
            }
        }
    }

    /// Angles by a position of each pair's own: its stream's.
    private static void fillStreams(
            RopeConfig rope, int headDim, Layout layout, float[] cos, float[] sin) {
        int half = rope.rotaryDim(headDim) / 2;
        int[] streams = rope.sections().orElseThrow().streams(half);
        int[][] positions = layout.streams();
        RopeTable table = RopeTable.of(rope, headDim, 0);
        Map<Integer, float[]> known = new HashMap<>(); // cosines, then sines
        for (int row = 0; row < layout.size(); row++) {
            float[][] own = new float[positions.length][];
            for (int stream = 0; stream < own.length; stream++) {
                own[stream] = known.computeIfAbsent(positions[stream][row], p -> angles(table, p));
            }
            for (int i = 0; i < half; i++) {
                cos[row * half + i] = own[streams[i]][i];
                sin[row * half + i] = own[streams[i]][half + i];
            }
        }
    }

    /// Cosines of all pairs at a position, then sines.
    private static float[] angles(RopeTable table, int position) {
        int half = table.inverseFrequencies().length;
        float[] angles = new float[2 * half];
        for (int i = 0; i < half; i++) {
            // The angle is a float32 product, as transformers computes it.
            float angle = (float) table.inverseFrequencies()[i] * position;
            angles[i] = (float) (Math.cos(angle) * table.attentionScaling());
            angles[half + i] = (float) (Math.sin(angle) * table.attentionScaling());
        }
        return angles;
    }

    /// Rotates queries into `out`, times the attention scale.
    ///
    /// @param x `(N, heads, K)`
    /// @param out of the same shape, other memory
    void rotateQueries(Tensor x, Tensor out) {
        rotate(x, out, scaledCos, scaledSin, scale, false);
    }

    /// Rotated queries, grown with their positions where they grow, `(N, heads, K)`.
    public Tensor grown(Tensor queries) {
        return grown(queries, growth);
    }

    /// Rotates queries or keys where they are, without the attention scale.
    ///
    /// @param x `(N, heads, K)`
    public void rotateInPlace(Tensor x) {
        rotateInPlace(x, false);
    }

    /// Rotates queries or keys where they are, or rotates their gradients back.
    void rotateInPlace(Tensor x, boolean back) {
        if (pairs == RopeConfig.Pairs.NEIGHBOURS) {
            x.copyInPlace(neighbours(x, cos, back ? sin.neg() : sin, 1));
            return;
        }
        int half = rotary / 2;
        Tensor a = x.narrow(2, 0, half); // (N, heads, half)
        Tensor b = x.narrow(2, half, half); // (N, heads, half)
        Tensor bs = b.mul(sin);
        Tensor as = a.mul(sin);
        a.mulInPlace(cos);
        b.mulInPlace(cos);
        if (back) {
            a.addInPlace(bs);
            b.subInPlace(as);
        } else {
            a.subInPlace(bs);
            b.addInPlace(as);
        }
    }

    /// Rotates queries and keys where they are, without the attention scale. Where a GPU has a
    /// kernel for it, that does it.
    ///
    /// @param y `(N, …)`: in each row the queries, then the keys
    /// @param back whether to take their gradients back
    void rotateHeads(Tensor y, DecoderConfig config, boolean back) {
        if (DeviceKernels.serve(y.device(), y.dtype())) {
            DeviceKernels.rotate(y, heads.withScale(1), exactCos, exactSin, back);
        } else {
            rotateInPlace(HeadViews.queriesAndKeys(y, config), back);
        }
    }

    /// Whether [#rotateJoint] can do it, and kernels for attention compute what is asked for.
    public static boolean hasKernel(DecoderConfig config, Device device, DType dtype) {
        AttentionConfig a = config.attention();
        if (!config.rotates()
                || config.rope().pairs() != RopeConfig.Pairs.HALVES
                || config.rope().growth().isPresent()
                || a.softcap() > 0
                || a.sinks()
                || a.qkNorm().isAfterRotation()
                || a.chunked()
                || a.latent().isPresent()
                || a.varied().isPresent()) {
            return false;
        }
        int dim = config.headDim();
        int rotary = config.rope().rotaryDim(dim);
        // Halves of few features are rotated one by one, if they are a part of the head only.
        return VectorKernels.serve(device, dtype, dim, rotary < dim ? rotary : rotary / 2);
    }

    /// Rotates queries, times the attention scale, and keys where they are, by a kernel.
    ///
    /// @param x `(N, …)`: in each row the queries, then the keys
    /// @param back whether to take their gradients back
    public void rotateJoint(Tensor x, boolean back) {
        VectorKernels.rotate(x, heads, exactCos, exactSin, back);
    }

    /// What [#rotateJoint] does, for a kernel that does it among other things.
    public TokenPass.Rotation rotation() {
        return new TokenPass.Rotation(heads, exactCos, exactSin);
    }

    /// Rotates keys into `out`.
    void rotateKeys(Tensor x, Tensor out) {
        rotate(x, out, cos, sin, 1, false);
    }

    /// Takes the gradient of rotated queries back to that of the queries.
    void rotateQueriesBack(Tensor dx, Tensor out) {
        rotate(dx, out, scaledCos, scaledSin, scale, true);
    }

    /// Takes the gradient of rotated keys back to that of the keys.
    void rotateKeysBack(Tensor dx, Tensor out) {
        rotate(dx, out, cos, sin, 1, true);
    }

    private void rotate(Tensor x, Tensor out, Tensor c, Tensor s, double factor, boolean back) {
        if (pairs == RopeConfig.Pairs.NEIGHBOURS) {
            out.copyInPlace(neighbours(x, c, back ? s.neg() : s, factor));
            return;
        }
        int half = rotary / 2;
        Tensor a = x.narrow(2, 0, half); // (N, heads, half)
        Tensor b = x.narrow(2, half, half); // (N, heads, half)
        Tensor outA = out.narrow(2, 0, half);
        Tensor outB = out.narrow(2, half, half);
        Kernels.mul(a, c, outA);
        Kernels.mul(b, c, outB);
        Tensor bs = b.mul(s);
        Tensor as = a.mul(s);
        if (back) {
            outA.addInPlace(bs);
            outB.subInPlace(as);
        } else {
            outA.subInPlace(bs);
            outB.addInPlace(as);
        }
        long rest = x.size(2) - rotary;
        if (rest > 0) {
            out.narrow(2, rotary, rest).copyInPlace(x.narrow(2, rotary, rest).mul(factor));
        }
    }

    /// Rotation as an ordinary expression, for autograd, without the attention scale.
    public Tensor apply(Tensor x) {
        if (pairs == RopeConfig.Pairs.NEIGHBOURS) {
            return neighbours(x, cos, sin, 1);
        }
        int half = rotary / 2;
        Tensor a = x.narrow(2, 0, half);
        Tensor b = x.narrow(2, half, half);
        Tensor first = a.mul(cos).sub(b.mul(sin));
        Tensor second = b.mul(cos).add(a.mul(sin));
        long rest = x.size(2) - rotary;
        return rest > 0
                ? Tensor.cat(2, first, second, x.narrow(2, rotary, rest))
                : Tensor.cat(2, first, second);
    }

    /// Rotates features that stand side by side.
    ///
    /// @param x `(N, heads, K)`
    /// @param c cosines, `(N, 1, rotary / 2)`
    /// @param s sines, `(N, 1, rotary / 2)`
    /// @param factor of features that aren't rotated
    private Tensor neighbours(Tensor x, Tensor c, Tensor s, double factor) {
        long n = x.size(0);
        long heads = x.size(1);
        int half = rotary / 2;
        Tensor two = x.narrow(2, 0, rotary).reshape(n, heads, half, 2);
        Tensor a = two.select(3, 0); // (N, heads, half)
        Tensor b = two.select(3, 1);
        Tensor first = a.mul(c).sub(b.mul(s)).unsqueeze(3);
        Tensor second = b.mul(c).add(a.mul(s)).unsqueeze(3);
        Tensor turned = Tensor.cat(3, first, second).reshape(n, heads, rotary);
        long rest = x.size(2) - rotary;
        if (rest == 0) {
            return turned;
        }
        Tensor others = x.narrow(2, rotary, rest);
        return Tensor.cat(2, turned, factor == 1 ? others : others.mul(factor));
    }
}
