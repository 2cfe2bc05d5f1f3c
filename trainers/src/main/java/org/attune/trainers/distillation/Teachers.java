package org.attune.trainers.distillation;

import org.attune.policy.Teacher;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.PhaseClock;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/// The teachers of a run: one, or one for each domain of its rows, as in multi-teacher on-policy
/// distillation (MOPD: [MiMo-V2-Flash 2026](https://arxiv.org/abs/2601.02780), [Ma et al.
/// 2026](https://arxiv.org/abs/2606.30406)).
/// ```
/// loss = Σ over domains d of w_d · Σ over the tokens of d's rows of D(π_d, π) / tokens of all rows
/// ```
/// with `π` of the student, `π_d` of the domain's teacher and `D` the run's divergence. A row is
/// compared with its own teacher alone; teachers are never averaged.
///
/// @param models borrowed; at least one
/// @param domains their names, as many; empty for a run of one teacher
/// @param weights `w`, as many as models; ≥ 0
record Teachers(List<TeacherModel> models, List<String> domains, List<Double> weights) {
    Teachers {
        models = List.copyOf(models);
        domains = List.copyOf(domains);
        weights = List.copyOf(weights);
    }

    /// One teacher for all rows.
    static Teachers of(TeacherModel one) {
        return new Teachers(List.of(one), List.of(), List.of(1.0));
    }

    /// Has a clock count their passes.
    Teachers timed(PhaseClock clock) {
        return new Teachers(
                models.stream().<TeacherModel>map(m -> new TimedTeacher(m, clock)).toList(),
                domains,
                weights);
    }

    /// How much a row counts.
    double weight(StudentRow row) {
        return weights.get(row.teacher());
    }

    /// Whether what rows begin with in common may be computed once.
    boolean sharesPrompts() {
        return models.stream().allMatch(TeacherModel::sharesPrompts);
    }

    /// What tells them apart from others, by name.
    Map<String, String> identity() {
        Map<String, String> all = new LinkedHashMap<>();
        for (int k = 0; k < models.size(); k++) {
            String whose = domains.isEmpty() ? "" : " of " + domains.get(k);
            models.get(k).identity().forEach((name, value) -> all.put(name + whose, value));
        }
        return all;
    }

    /// Rows of one teacher among those that are computed at once.
    ///
    /// @param places of the rows
    private record Part(TeacherModel teacher, List<Integer> places) {
        <T> List<T> of(List<T> all) {
            return places.stream().map(all::get).toList();
        }
    }

    /// The rows of each teacher that has some.
    private List<Part> parts(List<StudentRow> rows) {
        List<Part> parts = new ArrayList<>();
        for (int k = 0; k < models.size(); k++) {
            int teacher = k;
            List<Integer> places =
                    IntStream.range(0, rows.size())
                            .filter(i -> rows.get(i).teacher() == teacher)
                            .boxed()
                            .toList();
            if (!places.isEmpty()) {
                parts.add(new Part(models.get(k), places));
            }
        }
        return parts;
    }

    /// Has rows read that are computed at once, each by its teacher. The caller closes the result.
    ///
    /// @param forest layout of what teachers read of all rows
    Teacher read(CompletionForest forest, List<StudentRow> rows) {
        List<CompletionForest.Row> taught = rows.stream().map(StudentRow::taught).toList();
        List<Part> parts = parts(rows);
        if (parts.size() == 1) {
            return parts.getFirst().teacher().read(forest, taught);
        }
        List<Teacher> read = new ArrayList<>();
        try {
            int[] whose = new int[rows.size()];
            for (Part part : parts) {
                part.places().forEach(place -> whose[place] = read.size());
                List<CompletionForest.Row> own = part.of(taught);
                read.add(
                        part.teacher()
                                .read(
                                        CompletionForest.of(own, part.teacher().sharesPrompts()),
                                        own));
            }
            int[] sizes = taught.stream().mapToInt(row -> row.completion().length).toArray();
            return Teacher.joined(read, whose, sizes);
        } catch (RuntimeException | Error e) {
            read.forEach(Teacher::close);
            throw e;
        }
    }

    /// Log-probabilities of the rows' completions, each by its teacher, at a temperature, `(M)`.
    ///
    /// @param forest layout of what teachers read of all rows
    float[] logProbs(CompletionForest forest, List<StudentRow> rows, double temperature) {
        List<Part> parts = parts(rows);
        if (parts.size() == 1) {
            List<CompletionForest.Row> taught = rows.stream().map(StudentRow::taught).toList();
            return parts.getFirst().teacher().logProbs(forest, taught, temperature);
        }
        var all = new float[forest.forest().targetCount()];
        for (Part part : parts) {
            List<CompletionForest.Row> own =
                    part.of(rows).stream().map(StudentRow::taught).toList();
            CompletionForest alone = CompletionForest.of(own, part.teacher().sharesPrompts());
            float[] told = part.teacher().logProbs(alone, own, temperature);
            for (int i = 0; i < own.size(); i++) {
                int start = alone.completions().get(i).start();
                int to = forest.completions().get(part.places().get(i)).start();
                System.arraycopy(told, start, all, to, own.get(i).completion().length);
            }
        }
        return all;
    }

    /// Metrics of each domain, by the names of TRL's `AsyncDistillationTrainer`.
    ///
    /// @param tokens of each domain that count
    /// @param means mean divergence of a domain's tokens, by its number
    Map<String, Double> metrics(int[] tokens, ToDoubleFunction<Integer> means) {
        Map<String, Double> metrics = new LinkedHashMap<>();
        int all = Math.max(1, IntStream.of(tokens).sum());
        for (int k = 0; k < domains.size(); k++) {
            metrics.put("teacher_token_frac/" + domains.get(k), (double) tokens[k] / all);
            if (tokens[k] > 0) {
                metrics.put("teacher_jsd/" + domains.get(k), means.applyAsDouble(k));
            }
        }
        return metrics;
    }
}
