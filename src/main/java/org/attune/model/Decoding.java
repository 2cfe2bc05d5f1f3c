package org.attune.model;

import org.attune.error.RolloutException;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// One sequence under generation: a decoder with keys and values of the tokens so far, so that each
/// further token costs one row. Borrows the decoder; use it on the engine thread.
///
/// Shapes: `N` new tokens, `T` tokens so far with them, `C` key/value heads, `G` query heads per
/// key/value head, `K` head size.
public final class Decoding implements AutoCloseable {
    /// Tokens computed at once while a prompt is read: bounds the memory of scores.
    private static final int CHUNK = 256;

    private final TensorScope scope = TensorScope.detached("decoding");
    private final Decoder decoder;
    private final FusedLinear.Adapter adapter;
    private final int capacity;
    private final List<Tensor> keys = new ArrayList<>(); // (C, capacity, K) for each block
    private final List<Tensor> values = new ArrayList<>();
    private int length;

    /// @param adapter which of the decoder's adapters applies
    /// @param capacity most tokens that the sequence may have
    public Decoding(Decoder decoder, FusedLinear.Adapter adapter, int capacity) {
        this.decoder = decoder;
        this.adapter = adapter;
        this.capacity = capacity;
        DecoderConfig c = decoder.config();
        try (var _ = scope.enter()) {
            for (int i = 0; i < c.layers(); i++) {
                keys.add(cache(c));
                values.add(cache(c));
            }
        }
    }

    private Tensor cache(DecoderConfig c) {
        return Tensor.zeros(decoder.device(), decoder.dtype(), c.kvHeads(), capacity, c.headDim());
    }

    /// Tokens so far.
    public int length() {
        return length;
    }

    public int capacity() {
        return capacity;
    }

    /// Forgets all tokens from `newLength` on.
    public void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException(newLength + " is not in [0, " + length + "]");
        }
        length = newLength;
    }

    /// Appends tokens.
    ///
    /// @param tokens at least one
    /// @return logits of the token after them, `(V)`
    /// @throws RolloutException if the sequence would be longer than its capacity
    public float[] feed(int... tokens) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("nothing to feed");
        }
        if (length + tokens.length > capacity) {
            throw new RolloutException(
                    "the sequence would have %d tokens, there is room for %d; use a shorter prompt or a larger limit"
                            .formatted(length + tokens.length, capacity));
        }
        float[] logits = {};
        for (int start = 0; start < tokens.length; start += CHUNK) {
            int end = Math.min(tokens.length, start + CHUNK);
            logits = step(Arrays.copyOfRange(tokens, start, end), end == tokens.length);
        }
        return logits;
    }

    private float[] step(int[] tokens, boolean last) {
        int n = tokens.length;
        int[] positions = IntStream.range(length, length + n).toArray();
        var layout = new Layout(tokens, positions, List.of(new Layout.Span(-1, 0, n)));
        try (var _ = TensorScope.open("decode")) {
            var rope = new Rope(decoder.config(), layout, decoder.device(), decoder.dtype());
            Tensor x =
                    decoder.embedding()
                            .indexSelect(0, layout.tokenTensor(decoder.device())); // (N, D)
            for (int i = 0; i < decoder.blocks().size(); i++) {
                x = block(i, x, rope);
            }
            length += n;
            if (!last) {
                return new float[0];
            }
            Tensor row = norm(decoder.finalNorm(), x.narrow(0, n - 1, 1)); // (1, D)
            return row.linear(decoder.head()).to(DType.FLOAT32).toFloats(); // (V)
        }
    }

    private Tensor block(int i, Tensor x, Rope rope) {
        Block block = decoder.blocks().get(i);
        DecoderConfig c = decoder.config();
        long n = x.size(0);
        Tensor h = norm(block.inputNorm(), x); // (N, D)
        Tensor q = project(block.qkv(), 0, h).reshape(n, c.heads(), c.headDim());
        Tensor k = project(block.qkv(), 1, h).reshape(n, c.kvHeads(), c.headDim());
        Tensor v = project(block.qkv(), 2, h).reshape(n, c.kvHeads(), c.headDim());
        if (block.queryNorm() != null) {
            q = norm(block.queryNorm(), q);
            k = norm(block.keyNorm(), k);
        }
        q = rope.apply(q).mul(1 / Math.sqrt(c.headDim()));
        keys.get(i).narrow(1, length, n).copyInPlace(rope.apply(k).transpose(0, 1));
        values.get(i).narrow(1, length, n).copyInPlace(v.transpose(0, 1));
        Tensor o = attend(q, i, block.window()); // (N, heads · K)
        Tensor x2 = x.add(project(block.output(), 0, o));
        Tensor h2 = norm(block.postNorm(), x2);
        Tensor gate = project(block.gateUp(), 0, h2);
        Tensor up = project(block.gateUp(), 1, h2);
        return x2.add(project(block.down(), 0, gate.silu().mul(up)));
    }

    /// @param q `(N, heads, K)`, scaled
    private Tensor attend(Tensor q, int i, int window) {
        DecoderConfig c = decoder.config();
        long n = q.size(0);
        long total = length + n;
        long groups = c.heads() / c.kvHeads();
        // A window lets a query see only the last tokens: what no query sees is not read at all.
        long from = window > 0 ? Math.max(0, length - window + 1) : 0;
        Tensor k = keys.get(i).narrow(1, from, total - from); // (C, T, K)
        Tensor v = values.get(i).narrow(1, from, total - from); // (C, T, K)
        Tensor byHead =
                q.reshape(n, c.kvHeads(), groups, c.headDim())
                        .permute(1, 0, 2, 3)
                        .reshape(c.kvHeads(), n * groups, c.headDim()); // (C, N·G, K)
        Tensor scores = byHead.bmm(k.transpose(1, 2)).to(DType.FLOAT32); // (C, N·G, T)
        if (n > 1) {
            scores = scores.add(mask((int) n, (int) groups, (int) from, (int) total, window));
        }
        Tensor p = scores.softmax(Tensor.LAST).to(v.dtype()); // (C, N·G, T)
        return p.bmm(v)
                .reshape(c.kvHeads(), n, groups, c.headDim())
                .permute(1, 0, 2, 3)
                .reshape(n, (long) c.heads() * c.headDim());
    }

    /// Additive, `(1, N·G, T)`: 0 where a query sees a key.
    private Tensor mask(int n, int groups, int from, int total, int window) {
        int width = total - from;
        float[] mask = new float[n * groups * width];
        for (int row = 0; row < n * groups; row++) {
            int query = length + row / groups;
            for (int column = 0; column < width; column++) {
                int distance = query - (from + column);
                if (distance < 0 || window > 0 && distance >= window) {
                    mask[row * width + column] = Float.NEGATIVE_INFINITY;
                }
            }
        }
        return Tensor.of(decoder.device(), mask, 1, (long) n * groups, width);
    }

    private static Tensor norm(RmsNorm norm, Tensor x) {
        return norm.apply(x, norm.weight());
    }

    private Tensor project(FusedLinear linear, int part, Tensor x) {
        Tensor y = x.linear(linear.weight(part));
        Tensor bias = linear.bias(part);
        if (bias != null) {
            y = y.add(bias);
        }
        List<LowRank> updates =
                switch (adapter) {
                    case OFF -> List.of();
                    case TRAINED -> linear.trained();
                    case FROZEN -> linear.frozen();
                };
        for (LowRank update : updates) {
            if (update.part() == part) {
                y = y.add(x.linear(update.scaledA()).linear(update.b()));
            }
        }
        return y;
    }

    @Override
    public void close() {
        scope.close();
    }
}
