package org.attune.policy;

import org.attune.error.ShapeException;
import org.attune.error.StopRequest;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Dropout;
import org.attune.model.layer.OutputLayer;
import org.attune.model.pass.RecordedLogits;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.VocabularyKernel;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/// Final norm and output layer, at the rows that predict a target only, in chunks of rows. Logits
/// `(N, V)` never exist, unless generation kept them. `M` targets, `D` width, `V` vocabulary, `T`
/// temperature.
///
/// While nothing in the output layer is trained, forward computes the gradient of each
/// log-probability with respect to its normed hidden state at once,
/// ```
/// ∂ log p(t) / ∂h = (e_t − p) E / T
/// ```
/// and backward only scales rows of it. If its weight or an adapter on it is trained, backward
/// makes a second pass over the chunks, with the weights then known.
final class OutputHead implements Head {
    private static final long CHUNK_ELEMENTS = 8L << 20;

    /// Most logits of a chunk in the kernel, which makes nothing else of that size.
    private static final long KERNEL_ELEMENTS = 24L << 20;

    /// Products of other numbers of rows are slower for each by up to a sixth.
    private static final int ROWS = 64;

    /// Fewer don't pay for reading a large vocabulary's weights.
    private static final int FEWEST_ROWS = 256;

    private final Decoder decoder;
    private final TokenForest forest;
    private final HeadRequest request;
    private final DrawableTokens drawable;
    private final Use use;
    private final TensorScope scope = TensorScope.detached("head");
    private final Measurement measurement;
    private Tensor states; // (M, D) hidden states
    private OutputLayer.Rows rows; // if the output layer learns
    private Tensor statistics; // (M, 1)
    private Tensor unit; // (M, D)

    /// How a pass uses the head.
    ///
    /// @param adapter that applies
    /// @param dropout of the trained adapter's input
    /// @param differentiable whether there will be a backward pass
    /// @param recorded logits of the targets, if they were computed before
    /// @param sent the targets, if they were sent ahead
    record Use(
            Adapter adapter,
            Dropout dropout,
            boolean differentiable,
            Optional<RecordedLogits> recorded,
            Optional<TargetTensors> sent) {
        /// A use without a backward pass.
        static Use measuring(Adapter adapter) {
            return new Use(adapter, Dropout.NONE, false, Optional.empty(), Optional.empty());
        }

        /// A use with a backward pass and without dropout.
        static Use training(Adapter adapter) {
            return new Use(adapter, Dropout.NONE, true, Optional.empty(), Optional.empty());
        }

        /// Adds targets that were sent ahead.
        Use with(Optional<TargetTensors> targets) {
            return new Use(adapter, dropout, differentiable, recorded, targets);
        }

        /// Rows whose hidden states predict, `(M)`.
        Tensor sources(Device device, TokenForest forest) {
            return sent.map(TargetTensors::sources)
                    .orElseGet(
                            () ->
                                    Tensor.ofInts(
                                            device, forest.targetSources(), forest.targetCount()));
        }
    }

    /// @param hidden output of the last block, `(N, D)`
    OutputHead(Decoder decoder, Tensor hidden, TokenForest forest, HeadRequest request, Use use) {
        this.decoder = decoder;
        this.forest = forest;
        this.request = request;
        this.use = use;
        drawable = new DrawableTokens(request.drawable());
        try {
            measurement = forward(hidden);
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    @Override
    public Measurement measurement() {
        return measurement;
    }

    private Measurement forward(Tensor hidden) {
        int m = forest.targetCount();
        float[] logProbs = new float[m];
        Map<HeadStatistic, float[]> values = new EnumMap<>(HeadStatistic.class);
        request.statistics().forEach(s -> values.put(s, new float[m]));
        try (var results = new HostResults();
                var _ = TensorScope.open("head")) {
            Tensor index = use.sources(decoder.device(), forest);
            Tensor x = hidden.indexSelect(0, index); // (M, D)
            Tensor h = Tensor.empty(x.device(), x.dtype(), x.shape()); // (M, D)
            Tensor r = decoder.finalNorm().forward(x, h, use.adapter()); // (M, 1)
            OutputLayer.Rows layer = decoder.output().rows(h, use.adapter(), use.dropout());
            boolean once = use.differentiable() && !layer.learns() && request.learned().isEmpty();
            Tensor u = once ? Tensor.empty(x.device(), x.dtype(), x.shape()) : null; // (M, D)
            boolean kernel = hasKernel(layer, x);
            int chunk = chunkRows(kernel);
            for (int from = 0, to = 0; from < m; from = to) {
                to = end(from, chunk);
                StopRequest.check();
                try (var _ = TensorScope.open("chunk")) {
                    if (kernel) {
                        kernelChunk(layer, u, from, to, logProbs, values, results);
                    } else {
                        chunk(layer, u, from, to, logProbs, values, results);
                    }
                }
            }
            results.fetch();
            if (use.differentiable()) {
                states = scope.adopt(x);
                statistics = scope.adopt(r);
                if (once) {
                    unit = scope.adopt(u);
                } else {
                    layer.moveTo(scope);
                    rows = layer;
                }
            }
        }
        return new Measurement(logProbs, values);
    }

    private boolean hasKernel(OutputLayer.Rows layer, Tensor x) {
        int vocabulary = decoder.config().vocabSize();
        return layer.roundsLogits()
                && request.term().isEmpty()
                && (VectorKernels.serve(x.device(), x.dtype(), vocabulary)
                        || DeviceKernels.serve(x.device(), x.dtype())
                                && DeviceKernels.servesWidth(vocabulary));
    }

    /// Where a chunk of at most `rows` targets ends; what a term needs at once may be more.
    private int end(int from, int rows) {
        int to = Math.min(forest.targetCount(), from + rows);
        return request.term().map(term -> term.end(from, to)).orElse(to);
    }

    private int chunkRows(boolean kernel) {
        return Math.min(decoder.headRows(), chunkRows(decoder.config().vocabSize(), kernel));
    }

    static int chunkRows(int vocabulary, boolean kernel) {
        return kernel
                ? (int) Math.max(FEWEST_ROWS, KERNEL_ELEMENTS / vocabulary / ROWS * ROWS)
                : (int) Math.max(16, CHUNK_ELEMENTS / vocabulary);
    }

    /// Memory that a pass with `targets` targets takes here on a processor, at most: states, normed
    /// states, units and gradients, and logits; without a kernel also log-probabilities and a
    /// temporary, in float32:
    /// ```
    /// 8 b M D + min(M, chunk) V b,     8 b M D + min(M, chunk) V (12 + b)
    /// ```
    static long bytes(DecoderConfig config, DType dtype, int targets) {
        boolean kernel =
                VectorKernels.fit(dtype, config.outputRows())
                        && config.ends().softcap() == 0
                        && !config.ends().outputBias();
        long rows = Math.min(targets, chunkRows(config.outputRows(), kernel));
        long chunk = rows * config.outputRows() * (kernel ? dtype.bytes() : 12 + dtype.bytes());
        return chunk + 8L * dtype.bytes() * targets * config.hiddenSize();
    }

    /// Computes targets `from` to `to` with a kernel: log-probabilities and statistics, and in `u`
    /// what the backward pass needs.
    private void kernelChunk(
            OutputLayer.Rows layer,
            Tensor u,
            int from,
            int to,
            float[] logProbs,
            Map<HeadStatistic, float[]> values,
            HostResults results) {
        int n = to - from;
        double scale = u == null ? 0 : -1 / request.temperature();
        Tensor z = rounded(layer, from, n); // (n, V)
        TopEntropy.add(z, 1 / request.temperature(), from, values, results);
        if (z.device().isGpu()) {
            Tensor described = DeviceKernels.vocabulary(z, targets(from, n), null, asked(scale));
            results.add(described, statistics -> take(statistics, from, n, logProbs, values));
        } else {
            float[] scales = null;
            if (u != null) {
                scales = new float[n];
                Arrays.fill(scales, (float) scale);
            }
            take(describe(z, from, scales), from, n, logProbs, values);
        }
        if (u != null) {
            layer.backward(z, from, u.narrow(0, from, n));
        }
    }

    private DeviceKernels.Asked asked(double scale) {
        return new DeviceKernels.Asked(request.temperature(), request.labelSmoothing(), scale);
    }

    /// @param statistics of rows `from … from + n`
    private void take(
            float[] statistics,
            int from,
            int n,
            float[] logProbs,
            Map<HeadStatistic, float[]> values) {
        for (int i = 0; i < n; i++) {
            int at = i * VocabularyKernel.STATISTICS;
            logProbs[from + i] = statistics[at + VocabularyKernel.LOG_PROB];
            for (var entry : values.entrySet()) {
                HeadStatistic kind = entry.getKey();
                if (kind != HeadStatistic.VALUE && kind != HeadStatistic.TOP_ENTROPY) { // not of it
                    float factor =
                            kind == HeadStatistic.SUM_LOGIT ? decoder.config().vocabSize() : 1;
                    entry.getValue()[from + i] = factor * statistics[at + column(kind)];
                }
            }
        }
    }

    /// Logits of rows `from … from + n` in the compute dtype, for the kernel to change.
    private Tensor rounded(OutputLayer.Rows layer, int from, int n) {
        Tensor z =
                use.recorded()
                        .map(logits -> logits.rows(from, n))
                        .orElseGet(() -> layer.rounded(from, n));
        return drawable.restrict(z, from, Math.max(1, request.temperature()));
    }

    private float[] describe(Tensor z, int from, float[] scales) {
        var kernel =
                new VocabularyKernel(
                        (int) z.size(1), request.temperature(), request.labelSmoothing());
        int[] targets = Arrays.copyOfRange(forest.targetTokens(), from, from + (int) z.size(0));
        return VectorKernels.vocabulary(kernel, z, targets, scales);
    }

    private static int column(HeadStatistic statistic) {
        return switch (statistic) {
            case MEAN_LOGIT, SUM_LOGIT -> VocabularyKernel.MEAN_LOGIT; // times V
            case ARGMAX_HIT -> VocabularyKernel.HIT;
            case ENTROPY -> VocabularyKernel.ENTROPY;
            case LOG_SUM_SQUARED_PROBS -> VocabularyKernel.LOG_SUM_SQUARES;
            case TOP_ENTROPY, DIVERGENCE, MATCHED_DIVERGENCE, VALUE, STATE ->
                    throw new IllegalArgumentException("no statistic of the kernel");
        };
    }

    private void chunk(
            OutputLayer.Rows layer,
            Tensor u,
            int from,
            int to,
            float[] logProbs,
            Map<HeadStatistic, float[]> values,
            HostResults results) {
        int n = to - from;
        Tensor z = logits(layer, from, n); // (n, V) float32
        Tensor t = targets(from, n); // (n, 1)
        if (values.containsKey(HeadStatistic.MEAN_LOGIT)) {
            results.add(z.mean(Tensor.LAST, false), values.get(HeadStatistic.MEAN_LOGIT), from);
        }
        if (values.containsKey(HeadStatistic.SUM_LOGIT)) {
            results.add(z.sum(Tensor.LAST, false), values.get(HeadStatistic.SUM_LOGIT), from);
        }
        TopEntropy.add(z, 1, from, values, results);
        if (values.containsKey(HeadStatistic.ARGMAX_HIT)) {
            hits(z, from, results, values.get(HeadStatistic.ARGMAX_HIT));
        }
        request.term().ifPresent(term -> addTerm(term, z, from, values, results));
        Tensor logP = z.logSoftmax(Tensor.LAST); // (n, V)
        Tensor targetLogP = logP.gather(1, t); // (n, 1)
        results.add(smoothed(targetLogP, logP), logProbs, from);
        boolean entropy = values.containsKey(HeadStatistic.ENTROPY);
        boolean squares = values.containsKey(HeadStatistic.LOG_SUM_SQUARED_PROBS);
        if (!entropy && !squares && u == null) {
            return;
        }
        Tensor logSumExp = z.gather(1, t).sub(targetLogP); // (n, 1)
        Kernels.expInPlace(logP); // p, (n, V)
        if (entropy) { // H = lse − Σ p z
            Tensor mean = logP.unsqueeze(1).bmm(z.unsqueeze(2)).reshape(n, 1);
            results.add(logSumExp.sub(mean), values.get(HeadStatistic.ENTROPY), from);
        }
        if (squares) {
            Tensor sum = logP.unsqueeze(1).bmm(logP.unsqueeze(2)).reshape(n, 1);
            results.add(sum.log(), values.get(HeadStatistic.LOG_SUM_SQUARED_PROBS), from);
        }
        if (u != null) {
            subtractLabels(logP, t, n); // p − e_t
            layer.slopes(z, request.temperature()).ifPresent(logP::mulInPlace);
            Tensor part = u.narrow(0, from, n);
            layer.backward(logP.to(u.dtype()), from, part);
            part.mulInPlace(-1 / request.temperature());
        }
    }

    private void addTerm(
            HeadTerm term,
            Tensor z,
            int from,
            Map<HeadStatistic, float[]> values,
            HostResults results) {
        Tensor all = term.values(z, from, request.temperature());
        results.add(all, values.get(HeadStatistic.DIVERGENCE), from);
        float[] matched = values.get(HeadStatistic.MATCHED_DIVERGENCE);
        if (matched != null) {
            results.add(term.matched(z, from), matched, from);
        }
    }

    /// Float32 logits over the temperature of rows `from … from + n`.
    private Tensor logits(OutputLayer.Rows layer, int from, int n) {
        Tensor z = layer.logits(from, n);
        return drawable.restrict(
                request.temperature() == 1 ? z : z.mulInPlace(1 / request.temperature()), from, 1);
    }

    private Tensor targets(int from, int n) {
        if (use.sent().isPresent()) {
            return use.sent().get().tokens().narrow(0, from, n);
        }
        long[] ids = new long[n];
        for (int i = 0; i < n; i++) {
            ids[i] = forest.targetTokens()[from + i];
        }
        return Tensor.of(decoder.device(), ids, n, 1);
    }

    private void hits(Tensor z, int from, HostResults results, float[] out) {
        results.add(
                z.argmax(Tensor.LAST).to(DType.FLOAT32), // exact below 2²⁴
                best -> {
                    for (int i = 0; i < best.length; i++) {
                        out[from + i] = (int) best[i] == forest.targetTokens()[from + i] ? 1 : 0;
                    }
                });
    }

    /// `(1 − ε) log p(t) + ε · mean of log p`, `(n, 1)`.
    private Tensor smoothed(Tensor targetLogP, Tensor logP) {
        double e = request.labelSmoothing();
        return e == 0 ? targetLogP : targetLogP.mul(1 - e).add(logP.mean(Tensor.LAST, true).mul(e));
    }

    /// `p − (1 − ε) e_t − ε/V`, in place of `p`.
    private void subtractLabels(Tensor p, Tensor targets, int n) {
        double e = request.labelSmoothing();
        p.scatterAddInPlace(1, targets, Tensor.full(p.device(), p.dtype(), e - 1, n, 1));
        if (e > 0) {
            p.subInPlace(Tensor.full(p.device(), p.dtype(), e / p.size(1), 1, 1));
        }
    }

    @Override
    public Tensor backward(float[] weights, Map<HeadStatistic, float[]> others) {
        int m = forest.targetCount();
        if (weights.length != m) {
            throw new ShapeException("%d targets got %d gradients".formatted(m, weights.length));
        }
        Tensor dNormed = // (M, D)
                unit == null
                        ? secondPass(
                                weights,
                                slopes(others, HeadStatistic.ENTROPY),
                                slopes(others, HeadStatistic.DIVERGENCE))
                        : scaledUnit(weights);
        Tensor d = // (M, D)
                decoder.finalNorm().backward(dNormed, states, statistics, use.adapter());
        return Head.toRows(forest, d, use);
    }

    /// `(M, 1)`, or null.
    private Tensor slopes(Map<HeadStatistic, float[]> others, HeadStatistic of) {
        float[] slopes = others.get(of);
        return slopes == null ? null : Tensor.of(decoder.device(), slopes, slopes.length, 1);
    }

    private Tensor scaledUnit(float[] weights) {
        Tensor w = Tensor.of(decoder.device(), weights, weights.length, 1); // (M, 1)
        return unit.mul(w).to(states.dtype());
    }

    /// @param weights gradient of each log-probability, `(M)`
    /// @param entropy gradient of each entropy, `(M, 1)`, or null
    /// @param divergence of each divergence, likewise
    private Tensor secondPass(float[] weights, Tensor entropy, Tensor divergence) {
        int m = forest.targetCount();
        Tensor dNormed = Tensor.empty(states.device(), states.dtype(), states.shape()); // (M, D)
        boolean kernel = entropy == null && divergence == null && hasKernel(rows, states);
        int chunk = chunkRows(kernel);
        for (int from = 0, to = 0; from < m; from = to) {
            to = end(from, chunk);
            int n = to - from;
            StopRequest.check();
            try (var _ = TensorScope.open("chunk")) {
                Tensor dz; // (n, V)
                if (kernel) {
                    dz = rounded(rows, from, n);
                    learn(dz, from, scales(weights, from, n));
                } else {
                    dz = slopes(weights, entropy, divergence, from, n).to(states.dtype());
                }
                rows.backward(dz, from, dNormed.narrow(0, from, n));
            }
        }
        return dNormed;
    }

    /// Replaces logits by their gradients.
    private void learn(Tensor z, int from, float[] scales) {
        if (z.device().isGpu()) {
            Tensor factors = Tensor.of(z.device(), scales, scales.length);
            DeviceKernels.vocabulary(z, targets(from, scales.length), factors, asked(1));
        } else {
            describe(z, from, scales);
        }
    }

    private float[] scales(float[] weights, int from, int n) {
        float[] scales = new float[n];
        for (int i = 0; i < n; i++) {
            scales[i] = (float) (-weights[from + i] / request.temperature());
        }
        return scales;
    }

    /// Gradient of the logits of rows `from … from + n` before a cap, float32 `(n, V)`.
    private Tensor slopes(float[] weights, Tensor entropy, Tensor divergence, int from, int n) {
        Tensor z = logits(rows, from, n); // (n, V)
        Tensor more = // (n, V)
                entropy == null ? null : entropySlopes(z, entropy.narrow(0, from, n));
        if (divergence != null) {
            Tensor w = divergence.narrow(0, from, n).mul(1 / request.temperature()); // (n, 1)
            HeadTerm term = request.term().orElseThrow();
            Tensor own = term.slopes(z, from, request.temperature()).mulInPlace(w); // (n, V)
            more = more == null ? own : more.addInPlace(own);
        }
        Optional<Tensor> cap = rows.slopes(z, request.temperature()); // (n, V)
        Tensor p = z.softmaxInPlace(); // (n, V)
        subtractLabels(p, targets(from, n), n);
        p.mulInPlace(Tensor.of(p.device(), scales(weights, from, n), n, 1));
        Tensor dz = more == null ? p : p.addInPlace(more);
        return cap.map(dz::mulInPlace).orElse(dz);
    }

    /// `w · ∂H/∂z = −w p (log p + H) / T`, `(n, V)`.
    ///
    /// @param z logits over the temperature, `(n, V)`; stays as it is
    /// @param w gradient of each entropy, `(n, 1)`
    private Tensor entropySlopes(Tensor z, Tensor w) {
        Tensor logP = z.logSoftmax(Tensor.LAST); // (n, V)
        Tensor p = z.copy().softmaxInPlace(); // (n, V)
        Tensor minusH = // (n, 1)
                p.unsqueeze(1).bmm(logP.unsqueeze(2)).reshape(z.size(0), 1);
        return p.mulInPlace(logP.sub(minusH)).mulInPlace(w.mul(-1 / request.temperature()));
    }

    @Override
    public void close() {
        scope.close();
    }
}
