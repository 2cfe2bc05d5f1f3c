package org.attune.policy;

import org.attune.tensor.Tensor;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// A term of the loss that compares whole distributions, evaluated in the output head where a
/// chunk's logits are: [HeadStatistic#DIVERGENCE] of each target, and its gradient to the student's
/// logits when it is learned from. `n` targets of a chunk, `V` vocabulary.
public sealed interface HeadTerm permits TokenTerm, SpanTerm {
    /// The divergences of a chunk's targets, `(n, 1)`.
    ///
    /// @param z the student's logits over the temperature, float32 `(n, V)`; stays as it is
    /// @param from number of the first target
    Tensor values(Tensor z, int from, double temperature);

    /// Gradients of the divergences with respect to `z`, `(n, V)`.
    Tensor slopes(Tensor z, int from, double temperature);

    /// The parts of the divergences that compare tokens which both vocabularies have, before their
    /// weight, `(n, 1)`.
    ///
    /// @param z as in [#values]
    /// @throws UnsupportedOperationException of a term that has no such part
    default Tensor matched(Tensor z, int from) {
        throw new UnsupportedOperationException("both have one vocabulary");
    }

    /// Where a chunk ends that begins with target `from`: at most at `to`, unless targets that
    /// belong together reach farther.
    default int end(int from, int to) {
        return to;
    }

    /// A divergence of each target's distribution.
    ///
    /// @param divergence from the teacher
    /// @param teacher of the forest that is evaluated; borrowed until the evaluation is closed
    static HeadTerm of(Divergence divergence, Teacher teacher) {
        return new TokenTerm(divergence, teacher);
    }

    /// A distance of distributions over the tokens that begin or end spans of text, which student
    /// and teacher may divide into other tokens.
    ///
    /// @param rule how spans are compared
    /// @param rows the spans of each completion, in the order of the forest's targets
    /// @param teacher has read the same texts; borrowed until the evaluation is closed
    static HeadTerm of(SpanRule rule, List<Aligned> rows, TeacherPass teacher) {
        return new SpanTerm(new SpanDistance(rule), rows, teacher::logits);
    }

    /// How spans of text are compared, as in TRL's GOLD. The distribution of a span of several
    /// tokens is that of one of them, times the probabilities of the others.
    ///
    /// @param last whether that one is the last of a span; else the first
    /// @param studentTemperature divides the student's logits; > 0
    /// @param teacherTemperature divides the teacher's; > 0
    /// @param matched tokens that both vocabularies have; empty: all are compared by rank
    record SpanRule(
            boolean last,
            double studentTemperature,
            double teacherTemperature,
            Optional<Matched> matched) {}

    /// Tokens of two vocabularies that are the same. They are compared by a divergence, all others
    /// by rank.
    ///
    /// @param student their ids, at least one; different ones
    /// @param teacher the ids of the same tokens there
    /// @param divergence of probabilities that needn't sum up to 1
    /// @param weight of the divergence; ≥ 0
    /// @param otherWeight of the distance of the others; ≥ 0
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Matched(
            int[] student,
            int[] teacher,
            Divergence divergence,
            double weight,
            double otherWeight) {}

    /// A completion's tokens as one of the two reads them.
    ///
    /// @param first number of the target at which the first token's distribution stands
    /// @param ids of the tokens, `(T)`
    /// @param ends where each ends in the text, in bytes; not falling, `(T)`
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Read(int first, int[] ids, int[] ends) {
        private Read from(int target) {
            return new Read(target + first, ids, ends);
        }
    }

    /// Spans of text of one completion for both. Span `k` of the student has the tokens from
    /// `studentBounds[k]` to before `studentBounds[k + 1]`.
    ///
    /// @param studentBounds rising from 0, one more than there are spans
    /// @param teacherBounds likewise
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Aligned(Read student, Read teacher, int[] studentBounds, int[] teacherBounds) {
        /// A span ends wherever tokens of both do. What is left behind the last such place is one
        /// more span, if both have something.
        public static Aligned byText(Read student, Read teacher) {
            IntStream.Builder own = IntStream.builder().add(0);
            IntStream.Builder theirs = IntStream.builder().add(0);
            int s = 0;
            int t = 0;
            int s0 = 0;
            int t0 = 0;
            while (s < student.ids().length && t < teacher.ids().length) {
                int difference = student.ends()[s] - teacher.ends()[t];
                s += difference <= 0 ? 1 : 0;
                t += difference >= 0 ? 1 : 0;
                if (difference == 0) {
                    s0 = s;
                    t0 = t;
                    own.add(s);
                    theirs.add(t);
                }
            }
            if (s0 < student.ids().length && t0 < teacher.ids().length) {
                own.add(student.ids().length);
                theirs.add(teacher.ids().length);
            }
            return new Aligned(student, teacher, own.build().toArray(), theirs.build().toArray());
        }

        /// Each token with the one of the same number, as far as both have some.
        public static Aligned byPlace(Read student, Read teacher) {
            int count = Math.min(student.ids().length, teacher.ids().length);
            int[] bounds = IntStream.rangeClosed(0, count).toArray();
            return new Aligned(student, teacher, bounds, bounds);
        }

        /// Number of spans.
        public int count() {
            return studentBounds.length - 1;
        }

        /// The spans of a completion whose targets don't begin with 0.
        public Aligned from(int studentTarget, int teacherTarget) {
            return new Aligned(
                    student.from(studentTarget),
                    teacher.from(teacherTarget),
                    studentBounds,
                    teacherBounds);
        }
    }
}
