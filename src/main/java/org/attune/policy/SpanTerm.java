package org.attune.policy;

import org.attune.tensor.DType;
import org.attune.tensor.Elements;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Arrays;
import java.util.List;
import java.util.function.BinaryOperator;

/// A distance of spans of text that student and teacher read as other tokens. A span's value stands
/// at the target whose distribution is compared; all its targets have a gradient. Chunks end where
/// spans do, so logits of all targets never exist. `G` spans, `R` targets of them, `V` vocabulary.
final class SpanTerm implements HeadTerm {
    /// Least probability of the other tokens of a span, as in TRL.
    private static final double LEAST = Math.log(1e-8);

    private final SpanDistance distance;
    private final List<Aligned> rows;
    private final Logits teacher;

    /// Makes a teacher's logits of `n` targets from `from` on, float32 `(n, V)`.
    interface Logits {
        Tensor of(int from, int n);
    }

    /// @param rows in the order of the targets
    /// @param teacher borrowed
    SpanTerm(SpanDistance distance, List<Aligned> rows, Logits teacher) {
        this.distance = distance;
        this.rows = List.copyOf(rows);
        this.teacher = teacher;
    }

    /// Spans `k0` to before `k1` of one completion.
    private record Piece(Aligned row, int k0, int k1) {
        int count() {
            return k1 - k0;
        }

        Side student() {
            return new Side(row.student(), Arrays.copyOfRange(row.studentBounds(), k0, k1 + 1));
        }

        Side teacher() {
            return new Side(row.teacher(), Arrays.copyOfRange(row.teacherBounds(), k0, k1 + 1));
        }
    }

    /// A piece as one of the two reads it.
    ///
    /// @param bounds of the spans, among the completion's tokens, `(G + 1)`
    private record Side(Read read, int[] bounds) {
        /// Number of the first target.
        int start() {
            return read.first() + bounds[0];
        }

        int size() {
            return bounds[bounds.length - 1] - bounds[0];
        }

        int count() {
            return bounds.length - 1;
        }
    }

    @Override
    public int end(int from, int to) {
        for (Aligned row : rows) {
            int first = row.student().first();
            for (int k = 0; k < row.count(); k++) {
                int start = first + row.studentBounds()[k];
                int end = first + row.studentBounds()[k + 1];
                if (start < to && to < end) {
                    return start > from ? start : end;
                }
            }
        }
        return to;
    }

    /// The spans of a completion whose targets are among `n` from `from` on.
    private static Piece piece(Aligned row, int from, long n) {
        int first = row.student().first();
        int k0 = 0;
        while (k0 < row.count() && first + row.studentBounds()[k0] < from) {
            k0++;
        }
        int k1 = k0;
        while (k1 < row.count() && first + row.studentBounds()[k1 + 1] <= from + n) {
            k1++;
        }
        return new Piece(row, k0, k1);
    }

    private List<Piece> pieces(int from, long n) {
        return rows.stream()
                .map(row -> piece(row, from, n))
                .filter(piece -> piece.count() > 0)
                .toList();
    }

    @Override
    public Tensor values(Tensor z, int from, double temperature) {
        return values(z, from, distance::values);
    }

    @Override
    public Tensor matched(Tensor z, int from) {
        return values(z, from, distance::matched);
    }

    /// @param of both's logarithms of spans, `(G, 1)` of `(G, V)` and `(G, V')`
    private Tensor values(Tensor z, int from, BinaryOperator<Tensor> of) {
        try (var scope = TensorScope.open("term")) {
            Tensor all = Tensor.zeros(z.device(), DType.FLOAT32, z.size(0), 1); // (n, 1)
            for (Piece piece : pieces(from, z.size(0))) {
                try (var _ = TensorScope.open("piece")) {
                    Side side = piece.student();
                    var own = new Spans(side, own(z, side, from));
                    Tensor values = of.apply(own.merged(), theirs(piece)); // (G, 1)
                    Tensor part = all.narrow(0, side.start() - from, side.size()); // (R, 1)
                    part.scatterInPlace(0, own.bases().unsqueeze(1), values);
                }
            }
            return scope.keep(all);
        }
    }

    @Override
    public Tensor slopes(Tensor z, int from, double temperature) {
        try (var scope = TensorScope.open("term")) {
            Tensor all = Tensor.zeros(z.device(), DType.FLOAT32, z.shape()); // (n, V)
            for (Piece piece : pieces(from, z.size(0))) {
                try (var _ = TensorScope.open("piece")) {
                    Side side = piece.student();
                    var own = new Spans(side, own(z, side, from));
                    Tensor by = distance.slopes(own.merged(), theirs(piece)); // (G, V)
                    Tensor part = all.narrow(0, side.start() - from, side.size()); // (R, V)
                    part.copyInPlace(
                            own.slopes(by).mulInPlace(1 / distance.rule().studentTemperature()));
                }
            }
            return scope.keep(all);
        }
    }

    private Tensor own(Tensor z, Side side, int from) {
        return z.narrow(0, side.start() - from, side.size())
                .mul(1 / distance.rule().studentTemperature())
                .logSoftmax(Tensor.LAST);
    }

    private Tensor theirs(Piece piece) {
        Side side = piece.teacher();
        Tensor logProbs =
                teacher.of(side.start(), side.size())
                        .mulInPlace(1 / distance.rule().teacherTemperature())
                        .logSoftmax(Tensor.LAST);
        return new Spans(side, logProbs).merged();
    }

    /// One side's log-probabilities of a piece, with those of its tokens.
    private final class Spans {
        private final Side side;
        private final Tensor logProbs; // (R, V)
        private final long[] bases; // (G)
        private final long[] spans; // (R)
        private final float[] rest; // (R), 1 where only the token counts

        Spans(Side side, Tensor logProbs) {
            this.side = side;
            this.logProbs = logProbs;
            bases = new long[side.count()];
            spans = new long[side.size()];
            rest = new float[side.size()];
            for (int g = 0; g < bases.length; g++) {
                int start = side.bounds()[g] - side.bounds()[0];
                int end = side.bounds()[g + 1] - side.bounds()[0];
                bases[g] = distance.rule().last() ? end - 1 : start;
                for (int i = start; i < end; i++) {
                    spans[i] = g;
                    rest[i] = i == bases[g] ? 0 : 1;
                }
            }
        }

        Tensor bases() {
            return Tensor.of(logProbs.device(), bases, bases.length);
        }

        private Tensor spans() {
            return Tensor.of(logProbs.device(), spans, spans.length);
        }

        private Tensor rest() {
            return Tensor.of(logProbs.device(), rest, rest.length, 1);
        }

        /// `(R, 1)`.
        private Tensor tokens() {
            long[] ids = new long[side.size()];
            Arrays.setAll(ids, i -> side.read().ids()[side.bounds()[0] + i]);
            return Tensor.of(logProbs.device(), ids, ids.length, 1);
        }

        /// Logarithms of the spans' probabilities, `(G, V)`.
        Tensor merged() {
            Tensor own = logProbs.indexSelect(0, bases()); // (G, V)
            if (bases.length == spans.length) {
                return own;
            }
            Tensor of = logProbs.gather(1, tokens()); // (R, 1)
            Tensor least = Tensor.full(of.device(), DType.FLOAT32, LEAST, 1, 1);
            Tensor counted = Elements.maximum(of, least).mul(rest()); // (R, 1)
            Tensor more = // (G, 1)
                    Tensor.zeros(of.device(), DType.FLOAT32, bases.length, 1)
                            .scatterAddInPlace(0, spans().unsqueeze(1), counted);
            return own.add(more);
        }

        /// Gradients with respect to the logits over the temperature, `(R, V)`: `w − q Σ w` of the
        /// distribution that is compared, and `Σ w (e − q)` of each token beside it.
        ///
        /// @param by derivatives by [#merged], `(G, V)`
        Tensor slopes(Tensor by) {
            Tensor sums = by.sum(1, true).indexSelect(0, spans()); // (R, 1)
            if (bases.length == spans.length) {
                return by.sub(logProbs.exp().mulInPlace(sums));
            }
            Tensor of = logProbs.gather(1, tokens()); // (R, 1)
            Tensor learned = Elements.sign(of.add(-LEAST).relu()).mul(rest()); // (R, 1)
            Tensor shares = sums.mul(learned.add(rest().neg().add(1))); // (R, 1)
            Tensor index = bases().unsqueeze(1).expand(bases.length, logProbs.size(1));
            return Tensor.zeros(of.device(), DType.FLOAT32, logProbs.shape())
                    .scatterInPlace(0, index, by)
                    .scatterAddInPlace(1, tokens(), sums.mul(learned))
                    .subInPlace(logProbs.exp().mulInPlace(shares));
        }
    }
}
