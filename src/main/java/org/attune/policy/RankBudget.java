package org.attune.policy;

import org.attune.adapter.formula.RankSchedule;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// What training of AdaLoRA does beside the optimizer, [Zhang et al. 2023, §3.1 and
/// 3.2](https://arxiv.org/abs/2303.10512). A regulariser keeps singular vectors orthogonal. After
/// an update the least important singular values become zero, as many as the schedule says.
final class RankBudget {
    private final FlatParameters flat;
    private final RankSchedule schedule;
    private final List<Triplet> triplets;
    private final Tensor sensitivity; // means of |value · gradient|, (P)
    private final Tensor uncertainty; // means of deviations from them, (P)
    private final Tensor kept; // 1 for a rank that is kept, else 0, (modules · r)

    /// The trained values of a module.
    ///
    /// @param path of the module
    /// @param a right singular vectors, `(r, in)`
    /// @param b left singular vectors, `(out, r)`
    /// @param e singular values, `(r, 1)`
    record Triplet(
            String path,
            ParameterSpace.Parameter a,
            ParameterSpace.Parameter b,
            ParameterSpace.Parameter e) {
        /// @param p its parameters, in the order of the formula
        static Triplet of(String path, List<ParameterSpace.Parameter> p) {
            return new Triplet(path, p.get(0), p.get(1), p.get(2));
        }

        Stream<ParameterSpace.Parameter> all() {
            return Stream.of(a, b, e);
        }
    }

    /// Makes its state in the current scope.
    RankBudget(FlatParameters flat, RankSchedule schedule, List<Triplet> triplets) {
        this.flat = flat;
        this.schedule = schedule;
        this.triplets = List.copyOf(triplets);
        var device = flat.values().device();
        sensitivity = Tensor.zeros(device, DType.FLOAT32, flat.values().size());
        uncertainty = Tensor.zeros(device, DType.FLOAT32, flat.values().size());
        kept = Tensor.full(device, DType.FLOAT32, 1, (long) triplets.size() * schedule.start());
    }

    /// Adds the gradient of the regulariser, `w / n Σ (‖A Aᵀ − I‖ + ‖Bᵀ B − I‖)` over the `n`
    /// matrices of the adapter, with Frobenius norms.
    void completeGradients() {
        double weight = schedule.orthogonality() / (2 * triplets.size());
        if (weight == 0) {
            return;
        }
        for (Triplet t : triplets) {
            try (var _ = TensorScope.open("ranks")) {
                addTo(flat.gradient(t.a()), flat.value(t.a()), weight);
                addTo(flat.gradient(t.b()).t(), flat.value(t.b()).t(), weight);
            }
        }
    }

    /// @param rows that are to be orthogonal, `(r, n)`
    private static void addTo(Tensor gradient, Tensor rows, double weight) {
        int size = Math.toIntExact(rows.size(0));
        Tensor difference = rows.mm(rows.t()).sub(identity(rows, size)); // (r, r)
        double norm = Math.sqrt(difference.square().sum().item());
        if (norm > 0) {
            gradient.addInPlace(difference.mm(rows).mul(2 * weight / norm));
        }
    }

    private static Tensor identity(Tensor like, int size) {
        float[] one = new float[size * size];
        for (int i = 0; i < size; i++) {
            one[i * size + i] = 1;
        }
        return Tensor.of(like.device(), one, size, size);
    }

    /// Measures importance after an update, and cuts ranks where the schedule says so.
    ///
    /// @param step from 0
    /// @param gradientScale factor on the gradients in the update
    void updated(int step, double gradientScale) {
        try (var _ = TensorScope.open("ranks")) {
            if (schedule.measures(step)) {
                triplets.forEach(t -> t.all().forEach(p -> measure(p, gradientScale)));
            }
            var budget = schedule.budget(step, triplets.size());
            if (budget.isPresent()) {
                choose(budget.getAsInt());
            }
            if (step == schedule.steps() - schedule.last()) {
                sensitivity.zeroInPlace();
                uncertainty.zeroInPlace();
            }
            if (budget.isPresent() || !schedule.chooses(step)) {
                cut();
            }
        }
    }

    private void measure(ParameterSpace.Parameter p, double gradientScale) {
        Tensor product = flat.value(p).mul(flat.gradient(p).mul(gradientScale));
        Tensor now = absolute(product).reshape(p.count());
        Tensor s = of(sensitivity, p);
        double past = schedule.sensitivity();
        s.mulInPlace(past).addInPlace(now.mul(1 - past));
        past = schedule.uncertainty();
        of(uncertainty, p).mulInPlace(past).addInPlace(absolute(now.sub(s)).mul(1 - past));
    }

    private static Tensor absolute(Tensor x) {
        return x.relu().add(x.neg().relu());
    }

    private static Tensor of(Tensor flat, ParameterSpace.Parameter p) {
        return flat.narrow(0, p.offset(), p.count());
    }

    /// Keeps the most important ranks of all modules.
    private void choose(int budget) {
        int each = schedule.start();
        float[] scores = new float[triplets.size() * each];
        for (int i = 0; i < triplets.size(); i++) {
            System.arraycopy(importance(triplets.get(i)), 0, scores, i * each, each);
        }
        float[] sorted = scores.clone();
        Arrays.sort(sorted);
        float bound = sorted[scores.length - budget - 1];
        float[] keeps = new float[scores.length];
        for (int i = 0; i < keeps.length; i++) {
            keeps[i] = scores[i] <= bound ? 0 : 1;
        }
        kept.copyInPlace(Tensor.of(kept.device(), keeps, keeps.length));
    }

    /// Of a rank: of its singular value, and the means of its vectors'.
    private float[] importance(Triplet t) {
        Tensor right = score(t.a()).mean(1, false);
        Tensor left = score(t.b()).mean(0, false);
        return score(t.e()).reshape(schedule.start()).add(right.add(left)).toFloats();
    }

    private Tensor score(ParameterSpace.Parameter p) {
        return of(sensitivity, p).mul(of(uncertainty, p)).reshape(p.shape());
    }

    private void cut() {
        int each = schedule.start();
        for (int i = 0; i < triplets.size(); i++) {
            ParameterSpace.Parameter e = triplets.get(i).e();
            flat.value(e).mulInPlace(kept.narrow(0, (long) i * each, each).reshape(e.shape()));
        }
        flat.valuesChanged();
    }

    /// Which ranks of each module are kept; empty if none has been cut.
    Optional<Map<String, boolean[]>> pattern() {
        float[] keeps = kept.toFloats();
        if (AdaptedModule.isAll(1, kept)) {
            return Optional.empty();
        }
        Map<String, boolean[]> pattern = new LinkedHashMap<>();
        for (int i = 0; i < triplets.size(); i++) {
            boolean[] own = new boolean[schedule.start()];
            for (int rank = 0; rank < own.length; rank++) {
                own[rank] = keeps[i * own.length + rank] != 0;
            }
            pattern.put(triplets.get(i).path(), own);
        }
        return Optional.of(pattern);
    }

    /// A parameter for the adapter's file, without the ranks that were cut.
    ///
    /// @param name in the file
    /// @return empty if it is written as it is
    Optional<Source> source(String name, ParameterSpace.Parameter p) {
        Optional<Triplet> owner =
                triplets.stream().filter(t -> t.all().anyMatch(p::equals)).findFirst();
        Optional<Map<String, boolean[]>> pattern = pattern();
        if (owner.isEmpty() || pattern.isEmpty()) {
            return Optional.empty();
        }
        boolean[] keeps = pattern.get().get(owner.get().path());
        int[] ranks = IntStream.range(0, keeps.length).filter(r -> keeps[r]).toArray();
        int axis = p.equals(owner.get().b()) ? 1 : 0;
        long[] shape = p.shape().clone();
        shape[axis] = ranks.length;
        return Optional.of(
                TensorBytes.source(
                        name,
                        DType.FLOAT32,
                        shape,
                        () -> {
                            Tensor value = flat.value(p);
                            Tensor index = Tensor.ofInts(value.device(), ranks, ranks.length);
                            return value.indexSelect(axis, index);
                        }));
    }

    /// The tensors that a checkpoint holds, by name.
    Map<String, Tensor> state() {
        return Map.of(
                "ranks.sensitivity", sensitivity,
                "ranks.uncertainty", uncertainty,
                "ranks.kept", kept);
    }
}
