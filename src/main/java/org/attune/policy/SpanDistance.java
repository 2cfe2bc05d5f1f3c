package org.attune.policy;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Elements;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;

/// How far a student's probabilities of spans are from a teacher's of another vocabulary: universal
/// logit distillation ([Boizard et al. 2024](https://arxiv.org/abs/2402.12030), Eq. 4). Both are
/// sorted, and the absolute differences of equal ranks are added up. Tokens that both vocabularies
/// have can be compared by a divergence instead, as in TRL's GOLD. `G` spans, `V` and `V'` tokens;
/// probabilities are given as logarithms, float32, and needn't sum up to 1.
final class SpanDistance {
    /// Least probability of a matched token, as in TRL.
    private static final double LEAST = Math.log(1e-8);

    private final HeadTerm.SpanRule rule;

    SpanDistance(HeadTerm.SpanRule rule) {
        this.rule = rule;
    }

    HeadTerm.SpanRule rule() {
        return rule;
    }

    /// The distances, `(G, 1)`.
    ///
    /// @param student `(G, V)`
    /// @param teacher `(G, V')`
    Tensor values(Tensor student, Tensor teacher) {
        try (var scope = TensorScope.open("distance")) {
            if (rule.matched().isEmpty()) {
                return scope.keep(Ranks.of(student, teacher).distance());
            }
            HeadTerm.Matched m = rule.matched().get();
            Tensor of = columns(student, m.student());
            Tensor from = columns(teacher, m.teacher());
            Tensor matched = // (G, 1)
                    m.divergence().values(floored(of), floored(from)).mul(m.weight());
            int[] own = others(m.student(), student.size(1));
            int[] theirs = others(m.teacher(), teacher.size(1));
            if (own.length == 0 || theirs.length == 0) {
                return scope.keep(matched);
            }
            Tensor rest = // (G, 1)
                    Ranks.of(columns(student, own), columns(teacher, theirs)).distance();
            return scope.keep(matched.add(rest.mul(m.otherWeight())));
        }
    }

    /// The divergences of tokens that both vocabularies have, before their weight, `(G, 1)`.
    ///
    /// @param student `(G, V)`
    /// @param teacher `(G, V')`
    Tensor matched(Tensor student, Tensor teacher) {
        HeadTerm.Matched m = rule.matched().orElseThrow();
        try (var scope = TensorScope.open("matched")) {
            Tensor of = floored(columns(student, m.student()));
            return scope.keep(m.divergence().values(of, floored(columns(teacher, m.teacher()))));
        }
    }

    /// Derivatives of the distances by the student's logarithms, `(G, V)`.
    ///
    /// @param student `(G, V)`
    /// @param teacher `(G, V')`
    Tensor slopes(Tensor student, Tensor teacher) {
        try (var scope = TensorScope.open("distance")) {
            if (rule.matched().isEmpty()) {
                return scope.keep(Ranks.of(student, teacher).slopes());
            }
            HeadTerm.Matched m = rule.matched().get();
            Tensor all = Tensor.zeros(student.device(), DType.FLOAT32, student.shape()); // (G, V)
            put(all, m.student(), matchedSlopes(m, student, teacher).mul(m.weight()));
            int[] own = others(m.student(), student.size(1));
            int[] theirs = others(m.teacher(), teacher.size(1));
            if (own.length > 0 && theirs.length > 0) {
                Tensor rest = Ranks.of(columns(student, own), columns(teacher, theirs)).slopes();
                put(all, own, rest.mul(m.otherWeight()));
            }
            return scope.keep(all);
        }
    }

    private static Tensor matchedSlopes(HeadTerm.Matched m, Tensor student, Tensor teacher) {
        Tensor of = columns(student, m.student()); // (G, K)
        Tensor floored = floored(of);
        Tensor weighted = m.divergence().weighted(floored, floored(columns(teacher, m.teacher())));
        // What Divergence leaves out doesn't cancel where probabilities don't sum up to 1.
        Tensor whole =
                m.divergence() instanceof Divergence.ReverseKl
                        ? weighted.add(floored.exp())
                        : weighted;
        Tensor above = Elements.sign(of.add(-LEAST).relu()); // 0 where nothing can be learned
        return whole.mul(above);
    }

    private static Tensor floored(Tensor logs) {
        return Elements.maximum(logs, Tensor.full(logs.device(), DType.FLOAT32, LEAST, 1, 1));
    }

    private static Tensor columns(Tensor logs, int[] ids) {
        return logs.indexSelect(1, index(logs.device(), ids));
    }

    private static Tensor index(Device device, int[] ids) {
        return Tensor.of(device, Arrays.stream(ids).asLongStream().toArray(), ids.length);
    }

    private static void put(Tensor all, int[] ids, Tensor values) {
        Tensor index = index(all.device(), ids).unsqueeze(0).expand(all.size(0), ids.length);
        all.scatterInPlace(1, index, values);
    }

    /// The ids of a vocabulary that aren't among these.
    private static int[] others(int[] ids, long vocabulary) {
        var matched = new BitSet();
        for (int id : ids) {
            matched.set(id);
        }
        return IntStream.range(0, (int) vocabulary).filter(id -> !matched.get(id)).toArray();
    }

    /// Probabilities of both by rank; those that one has more than the other are compared with 0.
    ///
    /// @param student probabilities, `(G, V)`
    /// @param places where each rank of the student's stands, `(G, V)`
    /// @param difference by rank, `(G, max(V, V'))`
    private record Ranks(Tensor student, Tensor places, Tensor difference) {
        static Ranks of(Tensor student, Tensor teacher) {
            Tensor own = student.exp();
            Tensor[] sorted = own.topK(own.size(1));
            Tensor theirs = teacher.exp().topK(teacher.size(1))[0];
            long most = Math.max(own.size(1), theirs.size(1));
            return new Ranks(own, sorted[1], wide(sorted[0], most).sub(wide(theirs, most)));
        }

        private static Tensor wide(Tensor sorted, long columns) {
            long more = columns - sorted.size(1);
            return more == 0
                    ? sorted
                    : Tensor.cat(
                            1,
                            sorted,
                            Tensor.zeros(sorted.device(), DType.FLOAT32, sorted.size(0), more));
        }

        Tensor distance() {
            return Elements.abs(difference).sum(1, true);
        }

        Tensor slopes() {
            Tensor signs = Elements.sign(difference.narrow(1, 0, student.size(1)));
            return Tensor.zeros(student.device(), DType.FLOAT32, student.shape())
                    .scatterInPlace(1, places, signs)
                    .mulInPlace(student);
        }
    }
}
