package org.attune.model.layer;

import org.attune.error.ModelException;
import org.attune.images.SeenPicture;
import org.attune.model.config.DecoderConfig;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// What the first block reads of tokens: their embeddings, scaled in some families, and in some
/// families a learned vector of their position, or a norm without a weight of it all:
/// ```
/// x = norm(c E[token] + P[position])
/// ```
public final class InputLayer {
    private final DecoderConfig config;
    private final Weight tokens;
    private final Optional<Weight> positions;
    private final Optional<Norm> norm;
    private final Map<Adapter, VirtualTokens> virtual = new HashMap<>();

    /// @param tokens `E`, `(V, D)`
    /// @param positions `P`, one row for each
    /// @param norm of all that, one without a weight
    InputLayer(
            DecoderConfig config, Weight tokens, Optional<Weight> positions, Optional<Norm> norm) {
        this.norm = norm;
        this.config = config;
        this.tokens = tokens;
        this.positions = positions;
    }

    /// `E`, `(V, D)`.
    public Weight tokens() {
        return tokens;
    }

    /// `P`, if positions are learned.
    public Optional<Weight> positions() {
        return positions;
    }

    /// Whether backward passes with an adapter teach something here.
    boolean learns(Adapter adapter) {
        return tokens.learns(adapter)
                || positions.map(p -> p.learns(adapter)).orElse(false)
                || virtual.containsKey(adapter);
    }

    /// Whether an adapter makes it another layer.
    boolean differs(Adapter adapter) {
        return tokens.differs(adapter)
                || positions.map(p -> p.differs(adapter)).orElse(false)
                || virtual.containsKey(adapter);
    }

    /// What an adapter puts before every sequence, if something.
    public Optional<VirtualTokens> virtual(Adapter adapter) {
        return Optional.ofNullable(virtual.get(adapter));
    }

    /// Has passes with an adapter begin with virtual tokens, or with none.
    public void attach(Adapter adapter, Optional<VirtualTokens> tokens) {
        virtual.remove(adapter);
        tokens.ifPresent(v -> virtual.put(adapter, v));
    }

    /// Most virtual tokens of an adapter.
    public int mostVirtual() {
        return virtual.values().stream().mapToInt(VirtualTokens::count).max().orElse(0);
    }

    /// `x`, `(N, D)`, in the current scope.
    ///
    /// @param index of the tokens, `(N)`, from [#index]
    /// @param ids of the tokens, virtual ones of the adapter among them, `(N)`
    /// @param places positions, `(N)`
    /// @throws ModelException if a position has no vector
    public Tensor forward(Tensor index, int[] ids, int[] places, Adapter adapter) {
        Tensor x = before(index, ids, places, adapter);
        norm.ifPresent(n -> n.forward(x, x, adapter));
        return x;
    }

    /// What is normed, if something is.
    private Tensor before(Tensor index, int[] ids, int[] places, Adapter adapter) {
        Tensor x = tokens.value(adapter).indexSelect(0, index);
        if (config.ends().embeddingScale() != 1) {
            x = x.mul(scale(x.dtype()));
        }
        VirtualTokens vectors = virtual.get(adapter);
        if (vectors != null) {
            vectors.put(ids, x, scaleOfVectors(x.dtype()));
        }
        if (positions.isEmpty()) {
            return x;
        }
        requireKnown(places);
        Tensor rows = positions.get().value(adapter);
        return x.add(rows.indexSelect(0, index(places, rows)));
    }

    /// Whether [#forwardInto] can do it: there is no factor, vector of positions or norm.
    public boolean canWrite() {
        return config.ends().embeddingScale() == 1 && positions.isEmpty() && norm.isEmpty();
    }

    /// Writes the tokens' hidden states, where [#canWrite], into memory that is there already.
    ///
    /// @param index of the tokens, int32 or int64 `(N)`
    /// @param x written, `(N, D)`
    public void forwardInto(Tensor index, Adapter adapter, Tensor x) {
        Kernels.indexSelect(tokens.value(adapter), index, x);
    }

    private void requireKnown(int[] places) {
        int last = Arrays.stream(places).max().orElse(0);
        if (last >= config.maxPositionEmbeddings()) {
            throw new ModelException(
                    ("a sequence of %d tokens is too long: the model has learned vectors of %d"
                                    + " positions (n_positions); use shorter sequences")
                            .formatted(last + 1, config.maxPositionEmbeddings()));
        }
    }

    /// What a token's embedding is multiplied by.
    public double scale() {
        return scale(tokens.base().dtype());
    }

    private double scaleOfVectors(DType dtype) {
        return config.ends().scalesVectors() ? scale(dtype) : 1;
    }

    /// The factor in the number format that it is multiplied in, as transformers rounds it.
    private double scale(DType dtype) {
        double exact = config.ends().embeddingScale();
        return Tensor.full(Device.cpu(), dtype, exact).to(DType.FLOAT64).item();
    }

    /// Adds to the gradients of what is trained. The row of the padding token learns nothing where
    /// it is read in most families: transformers' embeddings leave it as it is, though the token
    /// may end every turn. A tied output layer adds to that row all the same.
    ///
    /// @param d gradient of `x`, `(N, D)`
    public void backward(int[] ids, int[] places, Tensor d, Adapter adapter) {
        boolean learns =
                tokens.gradient(adapter) != null
                        || positions.map(p -> p.gradient(adapter) != null).orElse(false)
                        || virtual.containsKey(adapter);
        if (norm.isEmpty() || !learns) {
            learn(ids, places, d, adapter);
            return;
        }
        Tensor x = before(index(read(ids, adapter), tokens.base()), ids, places, adapter); // (N, D)
        Tensor out = Tensor.empty(x.device(), x.dtype(), x.shape());
        Tensor statistics = norm.get().forward(x, out, adapter);
        learn(ids, places, norm.get().backward(d, x, statistics, adapter), adapter);
    }

    /// @param d gradient of what is normed, if something is, `(N, D)`
    private void learn(int[] given, int[] places, Tensor d, Adapter adapter) {
        VirtualTokens vectors = virtual.get(adapter);
        if (vectors != null) {
            vectors.learn(given, d, scaleOfVectors(d.dtype()));
        }
        Tensor gradient = tokens.gradient(adapter); // (V, D)
        int[] ids = config.vision().isEmpty() ? given : read(given, 0); // what is 0 teaches nothing
        int pad = config.names().padRowStays() ? config.special().pad().orElse(-1) : -1;
        if (tokens.learner(adapter) != null) {
            boolean scales = config.ends().embeddingScale() != 1;
            Tensor rows = scales ? d.mul(scale(d.dtype())) : d;
            tokens.learner(adapter).learnRead(ids, rows, pad);
        }
        if (gradient != null) {
            int[] read = IntStream.range(0, ids.length).filter(row -> ids[row] != pad).toArray();
            Tensor rows = d; // (N, D)
            if (read.length < ids.length) {
                rows = d.indexSelect(0, index(read, d));
            }
            if (config.ends().embeddingScale() != 1) {
                rows = rows.mul(scale(d.dtype()));
            }
            add(gradient, Arrays.stream(read).map(row -> ids[row]).toArray(), rows);
        }
        positions
                .map(p -> p.gradient(adapter))
                .ifPresent(ofPositions -> add(ofPositions, places, d));
    }

    private static void add(Tensor gradient, int[] at, Tensor rows) {
        Tensor index = index(at, rows).unsqueeze(1);
        gradient.scatterAddInPlace(
                0, index.expand(at.length, rows.size(1)), rows.to(DType.FLOAT32));
    }

    /// Tokens where the embedding is, `(N)`, of passes with any adapter.
    public Tensor index(int[] ids) {
        return index(read(ids, mostVirtual()), tokens.base());
    }

    /// The rows of the embedding that a pass reads for tokens, any one for a virtual token or a
    /// picture's row.
    public int[] read(int[] ids, Adapter adapter) {
        return read(ids, virtual(adapter).map(VirtualTokens::count).orElse(0));
    }

    private int[] read(int[] ids, int virtualIds) {
        int known = config.vocabSize();
        boolean looksUp = virtualIds == 0 && config.vision().isEmpty();
        return looksUp
                ? ids
                : Arrays.stream(ids)
                        .map(id -> id >= known && id < known + virtualIds ? 0 : id)
                        .map(id -> SeenPicture.textOr(id, 0))
                        .toArray();
    }

    private static Tensor index(int[] rows, Tensor like) {
        return Tensor.ofInts(like.device(), rows, rows.length);
    }
}
