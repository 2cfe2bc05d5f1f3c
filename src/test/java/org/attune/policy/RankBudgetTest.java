package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterFolder;
import org.attune.adapter.FormulaConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.adapter.formula.FormulaKind;
import org.attune.adapter.formula.FormulaOptions;
import org.attune.adapter.formula.RankSchedule;
import org.attune.error.ConfigException;
import org.attune.model.layer.Decoder;
import org.attune.tensor.Tensor;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// Ranks of AdaLoRA in training, beside loops that follow PEFT's rules.
class RankBudgetTest {
    private static final int R = 4;
    private static final int MODULES = 4; // q_proj and v_proj of two blocks

    @TempDir Path folder;

    private static FormulaOptions options() {
        return FormulaKind.ADALORA
                .defaults()
                .with("init_r", R)
                .with("target_r", 2)
                .with("tinit", 1)
                .with("tfinal", 2)
                .with("deltaT", 2)
                .with("total_step", 9)
                .with("beta1", 0.8)
                .with("beta2", 0.7)
                .with("orth_reg_weight", 0.3);
    }

    private static void with(Consumer<Policy> use) {
        var config =
                FormulaConfig.of(
                        FormulaKind.ADALORA,
                        options(),
                        new ModuleSelection.Names(List.of("q_proj", "v_proj")));
        Adapted.fresh(TinyModels.qwen2(), config, use);
    }

    /// 16 ranks at first, 8 at the end.
    @Test
    void theScheduleIsCubic() {
        var schedule = new RankSchedule(4, 2, 9, 1, 2, 2, 0.8, 0.7, 0.3);
        int[] budgets = new int[9];
        for (int step = 0; step < 9; step++) {
            budgets[step] = schedule.budget(step, 4).orElse(-1);
        }
        // 8 + 8 (5/6)³ = 12.6, 8 + 8 (3/6)³ = 9, 8 + 8 (1/6)³ = 8.04
        assertArrayEquals(new int[] {-1, -1, 12, -1, 9, -1, 8, 8, -1}, budgets);
        assertTrue(schedule.measures(6));
        assertFalse(schedule.measures(7));
        assertThrows(
                ConfigException.class, () -> new RankSchedule(4, 2, 3, 1, 2, 2, 0.8, 0.7, 0.3));
        assertThrows(
                ConfigException.class, () -> new RankSchedule(2, 4, 9, 1, 2, 2, 0.8, 0.7, 0.3));
    }

    private static void randomise(Tensor tensor, String name) {
        var random = TinyModels.random(name);
        float[] numbers = new float[Math.toIntExact(tensor.size())];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = random.nextFloat() - 0.5f;
        }
        tensor.copyInPlace(Tensor.of(tensor.device(), numbers, numbers.length));
    }

    /// What an optimizer does, with random gradients.
    private static void update(Policy policy, int step) {
        ParameterSpace space = policy.parameters();
        randomise(space.gradients(), "gradient" + step);
        Tensor change = space.gradients().copy();
        randomise(change, "change" + step);
        space.values().addInPlace(change.mul(0.1));
        space.valuesChanged();
    }

    /// PEFT's rules in loops.
    private static final class Loops {
        private final Map<String, double[]> sensitivity = new HashMap<>();
        private final Map<String, double[]> uncertainty = new HashMap<>();
        private boolean[] kept;

        void updated(Policy policy, int step, double scale, int budget) {
            FlatParameters flat = policy.parameters();
            if (step < 7) {
                flat.parameters().forEach(p -> measure(flat, p, scale));
            }
            if (budget > 0) {
                double[] scores = scores(flat);
                double[] sorted = scores.clone();
                Arrays.sort(sorted);
                kept = new boolean[scores.length];
                for (int i = 0; i < scores.length; i++) {
                    kept[i] = scores[i] > sorted[scores.length - budget - 1];
                }
            }
        }

        private void measure(FlatParameters flat, ParameterSpace.Parameter p, double scale) {
            float[] values = flat.value(p).toFloats();
            float[] gradients = flat.gradient(p).toFloats();
            double[] s = sensitivity.computeIfAbsent(p.name(), _ -> new double[values.length]);
            double[] u = uncertainty.computeIfAbsent(p.name(), _ -> new double[values.length]);
            for (int i = 0; i < values.length; i++) {
                double now = Math.abs(values[i] * gradients[i] * scale);
                s[i] = 0.8 * s[i] + 0.2 * now;
                u[i] = 0.7 * u[i] + 0.3 * Math.abs(now - s[i]);
            }
        }

        private double[] scores(FlatParameters flat) {
            double[] scores = new double[MODULES * R];
            List<ParameterSpace.Parameter> all = flat.parameters();
            for (int i = 0; i < MODULES; i++) {
                for (int rank = 0; rank < R; rank++) {
                    var a = all.get(3 * i);
                    long in = a.shape()[1];
                    for (int j = 0; j < in; j++) {
                        scores[i * R + rank] += score(a, (int) (rank * in + j)) / in;
                    }
                    var b = all.get(3 * i + 1);
                    long out = b.shape()[0];
                    for (int j = 0; j < out; j++) {
                        scores[i * R + rank] += score(b, j * R + rank) / out;
                    }
                    scores[i * R + rank] += score(all.get(3 * i + 2), rank);
                }
            }
            return scores;
        }

        private double score(ParameterSpace.Parameter p, int at) {
            return sensitivity.get(p.name())[at] * uncertainty.get(p.name())[at];
        }
    }

    @Test
    void theLeastImportantRanksAreCut() {
        int[] budgets = {-1, -1, 12, -1, 9, -1, 8, 8, -1};
        with(
                policy -> {
                    var loops = new Loops();
                    for (int step = 0; step < 9; step++) {
                        update(policy, step);
                        loops.updated(policy, step, 0.5, budgets[step]);
                        policy.parameters().updated(step, 0.5);
                        if (budgets[step] < 0 && step < 7) {
                            continue;
                        }
                        int left = 0;
                        for (int i = 0; i < MODULES; i++) {
                            var e = policy.parameters().parameters().get(3 * i + 2);
                            float[] values = policy.parameters().value(e).toFloats();
                            for (int rank = 0; rank < R; rank++) {
                                assertEquals(
                                        loops.kept[i * R + rank], values[rank] != 0, step + "");
                                left += loops.kept[i * R + rank] ? 1 : 0;
                            }
                        }
                        assertEquals(step < 7 ? budgets[step] : 8, left);
                    }
                });
    }

    /// Central differences of `0.3 / 8 Σ ‖M Mᵀ − I‖` in double precision.
    @Test
    void theRegularisersGradientIsIts() {
        with(
                policy -> {
                    FlatParameters flat = policy.parameters();
                    randomise(flat.values(), "values");
                    flat.gradients().zeroInPlace();
                    flat.completeGradients();
                    for (var p : flat.parameters()) {
                        float[] values = flat.value(p).toFloats();
                        float[] gradients = flat.gradient(p).toFloats();
                        for (int i = 0; i < values.length; i += 7) {
                            double expected = 0;
                            if (!p.name().endsWith("lora_E")) {
                                expected = slope(p, values, i);
                            }
                            assertClose(p.name() + i, expected, gradients[i], 1e-6, 1e-4);
                        }
                    }
                });
    }

    private static double slope(ParameterSpace.Parameter p, float[] values, int at) {
        double[] numbers = new double[values.length];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = values[i];
        }
        double step = 1e-5;
        numbers[at] += step;
        double up = distance(p, numbers);
        numbers[at] -= 2 * step;
        return 0.3 / (2 * MODULES) * (up - distance(p, numbers)) / (2 * step);
    }

    private static double distance(ParameterSpace.Parameter p, double[] m) {
        boolean rows = p.name().endsWith("lora_A");
        int length = m.length / R;
        double sum = 0;
        for (int i = 0; i < R; i++) {
            for (int j = 0; j < R; j++) {
                double product = i == j ? -1 : 0;
                for (int k = 0; k < length; k++) {
                    product +=
                            rows
                                    ? m[i * length + k] * m[j * length + k]
                                    : m[k * R + i] * m[k * R + j];
                }
                sum += product * product;
            }
        }
        return Math.sqrt(sum);
    }

    @Test
    void aRestoredBudgetGoesOnAsIfNothingHadBeen() {
        Map<String, float[]> state = new HashMap<>();
        List<float[]> ends = new ArrayList<>();
        for (boolean interrupted : new boolean[] {false, true}) {
            with(
                    policy -> {
                        FlatParameters flat = policy.parameters();
                        int first = 0;
                        if (interrupted) {
                            flat.ownState()
                                    .forEach(
                                            (name, own) ->
                                                    own.copyInPlace(
                                                            Tensor.of(
                                                                    own.device(),
                                                                    state.get(name),
                                                                    own.size())));
                            flat.values()
                                    .copyInPlace(
                                            Tensor.of(
                                                    flat.values().device(),
                                                    ends.getFirst(),
                                                    ends.getFirst().length));
                            first = 5;
                        }
                        for (int step = first; step < 9; step++) {
                            update(policy, step);
                            flat.updated(step, 1);
                            if (step == 4 && !interrupted) {
                                flat.ownState()
                                        .forEach((name, own) -> state.put(name, own.toFloats()));
                                ends.add(flat.values().toFloats());
                            }
                        }
                        ends.add(flat.values().toFloats());
                    });
        }
        assertArrayEquals(ends.get(1), ends.get(2));
        assertFalse(Arrays.equals(ends.get(0), ends.get(1)));
    }

    /// Modules may have no rank left.
    @Test
    void filesHoldTheRanksThatAreLeft() {
        TokenForest forest = Adapted.piece(TinyModels.qwen2(), 7).forest();
        with(
                policy -> {
                    FlatParameters flat = policy.parameters();
                    for (int step = 0; step < 9; step++) {
                        update(policy, step);
                        if (step < 7) { // the first module does nothing, so it loses all
                            for (var p : flat.parameters().subList(0, 3)) {
                                flat.gradient(p).zeroInPlace();
                            }
                        }
                        flat.updated(step, 1);
                    }
                    policy.saveAdapter(folder, "base");
                    try (AdapterFolder adapter = AdapterFolder.open(folder);
                            Decoder decoder = TinyModels.decoder(TinyModels.qwen2());
                            Policy other = Policy.withAdapter(decoder, adapter, Outcome.DEFAULT)) {
                        AdapterFit.require(TinyModels.qwen2(), adapter);
                        var entries = adapter.tensors().entries();
                        var first = flat.parameters().getFirst();
                        assertEquals(0, entries.get(first.name()).shape()[0]);
                        long left =
                                entries.values().stream()
                                        .filter(e -> e.name().endsWith("lora_E"))
                                        .mapToLong(e -> e.shape()[0])
                                        .sum();
                        assertEquals(8, left);
                        assertTrue(adapter.config().untrainable().isPresent());
                        float[] expected = Outcome.logProbs(policy, forest);
                        assertClose(
                                "read back", expected, Outcome.logProbs(other, forest), 1e-6, 0);
                        Path again = folder.resolve("again");
                        other.saveAdapter(again, "base");
                        try (AdapterFolder copy = AdapterFolder.open(again)) {
                            assertEquals(adapter.config(), copy.config());
                        }
                    }
                });
    }
}
