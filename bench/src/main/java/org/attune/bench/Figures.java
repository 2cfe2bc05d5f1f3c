package org.attune.bench;

import org.attune.trainers.loop.PassWork;

import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/// Turns what was measured into named figures. A name ends with its unit; peers' figures have the
/// same names where they mean the same.
///
/// @param spec the work
/// @param run what was measured
/// @param theory of the model
record Figures(BenchSpec spec, BenchRun run, Theory theory) {
    static final String TOKENS = "tokens/s";
    static final String TOKENS_ALL = "tokens/s, all steps";
    static final String PAIRS = "pairs/s";
    static final String PAIRS_ALL = "pairs/s, all steps";
    static final String COMPLETIONS_ALL = "completions/s, all steps";
    static final String STEP = "step, s";
    static final String FIRST_STEP = "first step, s";
    static final String START = "process start to first step's end, s";
    static final String PEAK = "peak memory, MiB";
    static final String DEVICE_PEAK = "peak of the GPU, MiB";
    static final String DECODE = "decode, tokens/s";
    static final String PREFILL = "prefill, tokens/s";
    static final String RATE = "achieved, GFLOP/s";
    static final String STEP_RATE = "whole step, GFLOP/s";
    static final String CEILING = "products alone, GFLOP/s";
    static final String BEST = "fastest product, GFLOP/s";
    static final String SHARE = "achieved / products alone";
    static final String WORK = "operations a step, GFLOP";
    static final String AGAIN = "computed again a step, GFLOP";
    static final String BYTES = "least bytes moved a step, GB";
    static final String H100 = "one H100 at best, s";
    static final String PROCESSOR = "processor time of a step's thread, s";
    static final String HEAP = "Java heap allocated a step, MiB";
    static final String TENSORS = "tensors created a step";

    /// Before the name of a phase.
    static final String PHASE = "in ";

    /// Figures of which less is better.
    private static final Set<String> COSTS =
            Set.of(STEP, FIRST_STEP, START, PEAK, DEVICE_PEAK, PROCESSOR, HEAP, TENSORS);

    private static final double MIB = 1 << 20;

    /// Whether a smaller figure is the better one.
    static boolean isCost(String name) {
        return COSTS.contains(name) || name.startsWith(PHASE);
    }

    /// All figures, the headline first.
    Map<String, Double> all() {
        Map<String, Double> figures = new LinkedHashMap<>();
        if (spec.task().trains()) {
            training(figures);
        } else {
            generation(figures);
        }
        figures.put(PEAK, run.peakBytes() / MIB);
        if (run.deviceBytes() > 0) {
            figures.put(DEVICE_PEAK, run.deviceBytes() / MIB);
        }
        speed(figures);
        var phases = new LinkedHashSet<String>();
        run.measured().forEach(step -> phases.addAll(step.phases().keySet()));
        for (String phase : phases) {
            figures.put(
                    PHASE + phase + ", s", mean(step -> step.phases().getOrDefault(phase, 0.0)));
        }
        double processor = mean(StepCost::processorSeconds);
        if (processor > 0) {
            figures.put(PROCESSOR, processor);
        }
        figures.put(HEAP, mean(StepCost::heapBytes) / MIB);
        figures.put(TENSORS, mean(StepCost::tensors));
        return figures;
    }

    private void training(Map<String, Double> figures) {
        List<StepCost> measured = run.measured();
        figures.put(TOKENS, rate(measured, StepCost::tokens));
        figures.put(TOKENS_ALL, rate(run.steps(), StepCost::tokens));
        switch (spec.task()) {
            case DPO -> {
                figures.put(PAIRS, rate(measured, StepCost::rows));
                figures.put(PAIRS_ALL, rate(run.steps(), StepCost::rows));
            }
            case GRPO -> figures.put(COMPLETIONS_ALL, rate(run.steps(), StepCost::rows));
            case SFT, GENERATE, PREFILL -> {}
        }
        figures.put(STEP, mean(StepCost::seconds));
        figures.put(FIRST_STEP, run.steps().getFirst().seconds());
        run.firstStepSeconds().ifPresent(seconds -> figures.put(START, seconds));
    }

    private void generation(Map<String, Double> figures) {
        double prefill = mean(step -> step.phases().getOrDefault("prefill", 0.0));
        double decode = mean(step -> step.phases().getOrDefault("decode", 0.0));
        if (decode > 0) {
            figures.put(DECODE, spec.rows() * (spec.newTokens() - 1.0) / decode);
        }
        figures.put(PREFILL, (double) spec.rows() * spec.prompt() / prefill);
        figures.put(STEP, mean(StepCost::seconds));
    }

    /// Operations by time. Only passes that consist of products are compared with the products
    /// alone: those that are trained on, reading, or decoding.
    private void speed(Map<String, Double> figures) {
        List<String> compared =
                switch (spec.task()) {
                    case SFT, DPO, GRPO -> List.of("forward", "backward");
                    case GENERATE -> List.of("decode");
                    case PREFILL -> List.of("prefill");
                };
        double operations = mean(step -> sum(step.flops(), compared));
        double seconds = mean(step -> sum(step.phases(), compared));
        double achieved = operations / seconds / 1e9;
        figures.put(RATE, achieved);
        figures.put(CEILING, run.ceiling().gflops());
        figures.put(BEST, run.ceiling().best());
        figures.put(SHARE, achieved / run.ceiling().gflops());
        figures.put(STEP_RATE, rate(run.measured(), StepCost::allFlops) / 1e9);
        figures.put(WORK, mean(StepCost::allFlops) / 1e9);
        figures.put(AGAIN, mean(StepCost::recomputed) / 1e9);
        figures.put(BYTES, mean(this::bytes) / 1e9);
        figures.put(H100, mean(this::h100Seconds));
    }

    /// The least that must go through memory.
    private double bytes(StepCost step) {
        return generatedBytes(step) + theory.trainingBytes(step.passes());
    }

    private double generatedBytes(StepCost step) {
        return switch (spec.task()) {
            case GENERATE -> theory.decodeBytes(spec.rows(), spec.prompt(), spec.newTokens());
            case GRPO -> {
                long prompt = step.tokens() / step.rows() - spec.newTokens();
                yield theory.decodeBytes(step.rows(), (int) Math.max(1, prompt), spec.newTokens());
            }
            case PREFILL -> theory.decodeBytes(1, 0, 2) * step.passes().get("prefill").passes();
            case SFT, DPO -> 0;
        };
    }

    /// Generation and training after each other.
    private double h100Seconds(StepCost step) {
        double generated =
                spec.task().trains() ? step.flops().getOrDefault("rollout", 0.0) : step.allFlops();
        return Theory.h100Seconds(generated, generatedBytes(step))
                + Theory.h100Seconds(
                        step.allFlops() - generated, theory.trainingBytes(step.passes()));
    }

    /// What must be resident by theory, for comparison with the peak.
    double residentMib() {
        double passes = mean(step -> step.passes().getOrDefault("forward", PassWork.NONE).passes());
        double rows = mean(step -> step.passes().getOrDefault("forward", PassWork.NONE).rows());
        int atOnce = (int) Math.ceil(rows / Math.max(1, passes));
        return theory.residentBytes(atOnce) / MIB;
    }

    private static double sum(Map<String, Double> parts, Collection<String> keys) {
        return keys.stream().mapToDouble(key -> parts.getOrDefault(key, 0.0)).sum();
    }

    private double mean(ToDoubleFunction<StepCost> value) {
        return run.measured().stream().mapToDouble(value).average().orElseThrow();
    }

    private static double rate(List<StepCost> steps, ToDoubleFunction<StepCost> value) {
        return steps.stream().mapToDouble(value).sum()
                / steps.stream().mapToDouble(StepCost::seconds).sum();
    }

    /// Medians of figures that all runs have.
    static Map<String, Double> medians(List<Map<String, Double>> runs) {
        Map<String, Double> medians = new LinkedHashMap<>();
        if (!runs.isEmpty()) {
            for (String name : runs.getFirst().keySet()) {
                if (runs.stream().allMatch(figures -> figures.containsKey(name))) {
                    medians.put(
                            name,
                            median(
                                    runs.stream()
                                            .mapToDouble(figures -> figures.get(name))
                                            .toArray()));
                }
            }
        }
        return medians;
    }

    static double median(double... values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
