package org.attune.rollout.sampling;

import org.attune.error.RolloutException;
import org.attune.rollout.TopTokens;
import org.attune.rollout.sampling.BatchSampler.Sampled;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.SamplingKernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/// Samples the next token of sequences with equal settings. The work is done on the logits' device;
/// only chosen tokens and their log-probabilities come to the host. Filters look at the
/// [#CANDIDATES] likeliest tokens first, and at all of them only where those don't settle it.
///
/// Shapes: `B` sequences, `V` vocabulary, `W` tokens in a piece of the vocabulary, `P` pieces.
///
/// @param distribution how a token is chosen
/// @param topLogProbs how many of the likeliest tokens to report, ≥ 0
/// @param reportsDrawable whether the tokens that filters left are reported
/// @param tellsDrawn whether log-probabilities are those of the temperature
/// @param constrained whether a [TokenConstraint] refuses tokens
record AlikeSampler(
        Distribution distribution,
        int topLogProbs,
        boolean reportsDrawable,
        boolean tellsDrawn,
        boolean constrained) {
    /// Tokens that filters look at first.
    private static final int CANDIDATES = 256;

    /// `W`. Two steps, first among pieces, then in one, read the probabilities once.
    private static final int PIECE = 256;

    /// The one for a sequence and others like it.
    static AlikeSampler of(Sequence sequence) {
        SamplingConfig config = sequence.config();
        return new AlikeSampler(
                config.distribution(),
                config.topLogProbs(),
                config.topLogProbs() == 0 && config.reports(),
                config.tellsDrawn()
                        && config.distribution().temperature() != 1
                        && config.distribution().temperature() > 0,
                sequence.allowed().isPresent());
    }

    /// @param given logits, float32 or bfloat16 `(B, V)`; may be changed
    /// @param rows whose logits they are, `(B)`
    /// @param sent the rows' random numbers where they were sent ahead, `(B, 1)`
    /// @throws RolloutException if a row has no finite logit, or one that is NaN
    Sampled sample(Tensor given, List<Sequence> rows, Optional<Tensor> sent) {
        Optional<LogitEdits> edits = LogitEdits.of(distribution, rows);
        if (hasKernel(given) && edits.map(LogitEdits::areBans).orElse(true)) {
            return sampledByKernel(given, edits, rows);
        }
        if (edits.isEmpty()
                && !constrained
                && !tellsDrawn
                && drawsFromAll()
                && DeviceKernels.serveDraws(given)) {
            Tensor uniforms = onDevice(rows, sent, given);
            return sampled(
                    DeviceKernels.draw(given, uniforms, distribution.temperature()),
                    rows,
                    List.of());
        }
        Tensor logits = given.to(DType.FLOAT32);
        if (edits.isEmpty() && isPlain() && !constrained) {
            Tensor p = logits.softmaxInPlace(); // (B, V)
            Tensor ids = drawn(p, onDevice(rows, sent, p)); // (B, 1)
            return sampled(ids, p.gather(1, ids).log(), rows, List.of());
        }
        Tensor own = // (B, V)
                (tellsDrawn ? logits.mul(1 / distribution.temperature()) : logits)
                        .logSoftmax(Tensor.LAST);
        edits.ifPresent(e -> e.apply(logits));
        if (constrained) {
            logits.addInPlace(refusals(logits, rows));
        }
        List<TopTokens> drawable = new ArrayList<>();
        Tensor ids = choose(logits, rows, sent, drawable); // (B, 1)
        if (edits.isPresent() || constrained) { // all tokens may have been banned
            requireFinite(logits.gather(1, ids).toFloats(), rows, ids.toLongs());
        }
        return sampled(ids, own.gather(1, ids), rows, reportsDrawable ? drawable : top(own));
    }

    /// Whether tokens are drawn from the model's own probabilities and nothing else is asked for.
    private boolean isPlain() {
        return distribution.temperature() == 1 && drawsFromAll();
    }

    /// Whether any token may be drawn, and no other is asked for.
    private boolean drawsFromAll() {
        return !distribution.filters() && topLogProbs == 0;
    }

    /// Whether the kernel does it: where no token is looked at but the one that is drawn, and no
    /// logit is changed, if some may be banned.
    private boolean hasKernel(Tensor logits) {
        return distribution.temperature() > 0
                && !constrained
                && drawsFromAll()
                && VectorKernels.serve(
                        logits.device(), logits.dtype(), Math.toIntExact(logits.size(1)));
    }

    private Sampled sampledByKernel(
            Tensor logits, Optional<LogitEdits> edits, List<Sequence> rows) {
        int vocabulary = Math.toIntExact(logits.size(1));
        boolean areOwn = distribution.temperature() == 1;
        float[] own = // of the model itself; the other way they come with the tokens
                areOwn || tellsDrawn
                        ? null
                        : VectorKernels.logSums(new SamplingKernel(vocabulary, 1), logits);
        int[][] banned = edits.map(LogitEdits::banned).orElseGet(() -> new int[rows.size()][0]);
        var kernel = new SamplingKernel(vocabulary, distribution.temperature());
        VectorKernels.Drawn drawn = VectorKernels.draw(kernel, logits, banned, uniforms(rows));
        float[] logSums = own == null ? drawn.logSums() : own;
        double scale = tellsDrawn ? 1 / distribution.temperature() : 1;
        int[] ids = drawn.ids();
        long[] chosen = Arrays.stream(ids).mapToLong(id -> Math.max(id, 0)).toArray();
        float[] values =
                logits.gather(1, Tensor.of(logits.device(), chosen, chosen.length, 1)).toFloats();
        for (int i = 0; i < values.length; i++) {
            boolean none = ids[i] < 0 && Float.isFinite(values[i]);
            values[i] = none ? Float.NaN : (float) (values[i] * scale) - logSums[i];
        }
        requireFinite(values, rows, chosen);
        return new Sampled(ids, values, List.of());
    }

    /// The rows' random numbers, `(B, 1)`.
    static Tensor uniforms(Device device, List<Sequence> rows) {
        return Tensor.of(device, uniforms(rows), rows.size(), 1);
    }

    private static Tensor onDevice(List<Sequence> rows, Optional<Tensor> sent, Tensor like) {
        return sent.orElseGet(() -> uniforms(like.device(), rows));
    }

    private static double[] uniforms(List<Sequence> rows) {
        return rows.stream().mapToDouble(Sequence::uniform).toArray();
    }

    /// What makes refused tokens impossible when it is added: 0 or −∞, `(B, V)`.
    private static Tensor refusals(Tensor logits, List<Sequence> rows) {
        int vocabulary = Math.toIntExact(logits.size(1));
        float[] added = new float[rows.size() * vocabulary];
        for (int row = 0; row < rows.size(); row++) {
            BitSet allowed = rows.get(row).allowed().orElseThrow();
            int first = row * vocabulary;
            for (int id = allowed.nextClearBit(0); id < vocabulary; ) {
                int end = allowed.nextSetBit(id);
                end = end < 0 ? vocabulary : Math.min(end, vocabulary);
                Arrays.fill(added, first + id, first + end, Float.NEGATIVE_INFINITY);
                id = allowed.nextClearBit(end);
            }
        }
        return Tensor.of(logits.device(), added, rows.size(), vocabulary);
    }

    private static Sampled sampled(
            Tensor ids, Tensor logProbs, List<Sequence> rows, List<TopTokens> top) {
        if (ids.device().isGpu()) { // both at once, in numbers that hold both exactly
            Tensor both = Tensor.cat(1, ids.to(DType.FLOAT64), logProbs.to(DType.FLOAT64));
            return sampled(both, rows, top);
        }
        return sampled(ids.toLongs(), logProbs.toFloats(), rows, top);
    }

    /// @param both tokens and their log-probabilities, float64 `(B, 2)`
    private static Sampled sampled(Tensor both, List<Sequence> rows, List<TopTokens> top) {
        double[] numbers = both.toDoubles();
        long[] tokens = new long[rows.size()];
        float[] values = new float[rows.size()];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = (long) numbers[2 * i];
            values[i] = (float) numbers[2 * i + 1];
        }
        return sampled(tokens, values, rows, top);
    }

    private static Sampled sampled(
            long[] tokens, float[] values, List<Sequence> rows, List<TopTokens> top) {
        requireFinite(values, rows, tokens);
        return new Sampled(Arrays.stream(tokens).mapToInt(Math::toIntExact).toArray(), values, top);
    }

    private static void requireFinite(float[] values, List<Sequence> rows, long[] ids) {
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                throw Sampler.notFinite(
                        "%s for token %d after %d tokens of sequence %d"
                                .formatted(
                                        values[i],
                                        ids[i],
                                        rows.get(i).all().length,
                                        rows.get(i).index()));
            }
        }
    }

    private List<TopTokens> top(Tensor own) {
        return topLogProbs == 0 ? List.of() : BatchSampler.likeliest(own, topLogProbs);
    }

    /// @param logits after penalties and bans
    /// @param drawable takes what filters left of each row, where it is reported
    /// @return ids, `(B, 1)`
    private Tensor choose(
            Tensor logits, List<Sequence> rows, Optional<Tensor> sent, List<TopTokens> drawable) {
        if (distribution.temperature() == 0) {
            return logits.argmax(Tensor.LAST).unsqueeze(1);
        }
        Tensor scaled =
                distribution.temperature() == 1
                        ? logits
                        : logits.mul(1 / distribution.temperature());
        Tensor probabilities = scaled.softmax(Tensor.LAST); // (B, V)
        if (!distribution.filters()) {
            return drawn(probabilities, onDevice(rows, sent, logits));
        }
        long[] ids = filtered(logits, probabilities, uniforms(rows), drawable);
        return Tensor.of(logits.device(), ids, ids.length, 1);
    }

    /// Inverts the distribution function in two steps, in double precision: a piece of the
    /// vocabulary, then a token in it.
    ///
    /// @param u random numbers, `(B, 1)`
    /// @return ids, `(B, 1)`
    private static Tensor drawn(Tensor probabilities, Tensor u) {
        long b = probabilities.size(0);
        long pieces = (probabilities.size(1) + PIECE - 1) / PIECE;
        Tensor p = padded(probabilities, pieces * PIECE); // (B, P·W)
        Tensor byPiece =
                p.viewAs(new long[] {b, pieces, PIECE}, new long[] {pieces * PIECE, PIECE, 1}, 0);
        Tensor sums = byPiece.sum(2, false).to(DType.FLOAT64).cumSum(1); // (B, P)
        Tensor target = u.mul(sums.narrow(1, pieces - 1, 1)); // (B, 1)
        Tensor piece = sums.firstAbove(target, 1).unsqueeze(1); // (B, 1)
        Tensor begins =
                Tensor.cat(1, Tensor.zeros(p.device(), DType.FLOAT64, b, 1), sums); // (B, P + 1)
        Tensor before = begins.gather(1, piece); // (B, 1)
        Tensor share = target.sub(before).div(sums.gather(1, piece).sub(before)); // (B, 1)
        Tensor within =
                byPiece.gather(1, piece.unsqueeze(2).expand(b, 1, PIECE)) // (B, 1, W)
                        .reshape(b, PIECE)
                        .to(DType.FLOAT64)
                        .cumSum(1); // (B, W)
        // A share that was rounded up to 1 would be above all of the piece.
        Tensor bound = share.mul(1 - 1e-12).mul(within.narrow(1, PIECE - 1L, 1)); // (B, 1)
        Tensor first = piece.mul(Tensor.full(p.device(), DType.INT64, PIECE, 1)); // (B, 1)
        return first.add(within.firstAbove(bound, 1).unsqueeze(1));
    }

    private static Tensor padded(Tensor p, long width) {
        if (p.size(1) == width) {
            return p;
        }
        Tensor wide = Tensor.zeros(p.device(), p.dtype(), p.size(0), width);
        wide.narrow(1, 0, p.size(1)).copyInPlace(p);
        return wide;
    }

    private long[] filtered(
            Tensor logits, Tensor probabilities, double[] uniforms, List<TopTokens> drawable) {
        int n = (int) Math.min(CANDIDATES, probabilities.size(1));
        Tensor[] likeliest = probabilities.topK(n);
        float[] values = likeliest[0].toFloats();
        long[] ids = likeliest[1].toLongs();
        long[] chosen = new long[uniforms.length];
        var sampler = new Sampler(distribution);
        for (int i = 0; i < chosen.length; i++) {
            int from = i * n;
            Sampler.Candidates candidates =
                    sampler.candidates(
                                    Arrays.copyOfRange(ids, from, from + n),
                                    Arrays.copyOfRange(values, from, from + n),
                                    n == probabilities.size(1))
                            .orElse(null);
            if (candidates == null) {
                candidates = sampler.candidates(logits.narrow(0, i, 1).toFloats());
            }
            chosen[i] = candidates.pick(uniforms[i]);
            if (reportsDrawable) {
                drawable.add(candidates.report());
            }
        }
        return chosen;
    }
}
