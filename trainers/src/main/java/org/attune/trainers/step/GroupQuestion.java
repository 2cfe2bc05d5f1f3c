package org.attune.trainers.step;

import org.attune.policy.Divergence;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.HeadTerm;
import org.attune.policy.Measurement;
import org.attune.policy.Teacher;

import java.util.List;
import java.util.Set;

/// What the policy's head is asked about a group of rows, and what frozen models answered about the
/// same rows. It is open while the policy's pass lasts.
public interface GroupQuestion extends AutoCloseable {
    /// What the head reports of each target.
    HeadRequest request();

    /// Returns what a frozen model answered: of each row, in the order of its columns, or one array
    /// of all targets; empty without one.
    ///
    /// @param policy what the policy answered, of the same targets
    default List<double[]> reference(Measurement policy) {
        return List.of();
    }

    @Override
    default void close() {}

    /// Asks the policy alone.
    static GroupQuestion of(HeadRequest request) {
        return () -> request;
    }

    /// Asks how far the policy's distributions are from a teacher's, to learn from that.
    ///
    /// @param divergence from the teacher
    /// @param teacher has read the group; closed with the question
    /// @param temperature divides the logits of both; > 0
    /// @param others statistics asked for beside
    static GroupQuestion comparing(
            Divergence divergence, Teacher teacher, double temperature, Set<HeadStatistic> others) {
        return comparing(HeadTerm.of(divergence, teacher), teacher, temperature, others);
    }

    /// Asks about a term of the loss, to learn from that.
    ///
    /// @param teacher of the term; closed with the question
    /// @param temperature divides the policy's logits; > 0
    /// @param others statistics asked for beside
    static GroupQuestion comparing(
            HeadTerm term, Teacher teacher, double temperature, Set<HeadStatistic> others) {
        var request = HeadRequest.of(term, temperature, others.toArray(HeadStatistic[]::new));
        return new GroupQuestion() {
            @Override
            public HeadRequest request() {
                return request;
            }

            @Override
            public void close() {
                teacher.close();
            }
        };
    }
}
