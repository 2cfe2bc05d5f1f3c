package org.attune.bench;

import org.attune.model.decode.CachedDecoder;
import org.attune.trainers.loop.PassWork;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What theory says of a benchmark that was not run: random rows of equal lengths, prompts shared.
///
/// @param spec the work
/// @param theory of the model
public record BenchEstimate(BenchSpec spec, Theory theory) {
    /// Tokens computed together unless the work says otherwise.
    private static final int TOKENS_AT_ONCE = 2048;

    private int atOnce() {
        return spec.tokensAtOnce().orElse(TOKENS_AT_ONCE);
    }

    /// What passes through the model in a step, by phase.
    Map<String, PassWork> passes() {
        Map<String, PassWork> passes = new LinkedHashMap<>();
        switch (spec.task()) {
            case SFT -> passes.put("forward", groups(1, spec.length() - spec.prompt()));
            case DPO -> {
                passes.put("forward", groups(2, spec.length() - spec.prompt()));
                passes.put("reference", passes.get("forward"));
            }
            case GRPO -> {
                passes.put("forward", groups(spec.completions(), spec.newTokens()));
                passes.put("reference", passes.get("forward"));
            }
            case GENERATE, PREFILL -> {}
        }
        return passes;
    }

    /// `rows` prompts with `count` continuations each, all of whose tokens are trained on. The last
    /// of each predicts nothing.
    private PassWork groups(int count, int length) {
        long prompt = spec.prompt();
        long each = length - 1L;
        long own = each * (each + 1) / 2 + each * prompt;
        long attended = prompt * (prompt + 1) / 2 + count * own;
        long rows = spec.rows() * (prompt + count * each);
        return new PassWork(
                Math.ceilDiv(rows, atOnce()),
                rows,
                spec.rows() * attended,
                (long) spec.rows() * count * length);
    }

    /// Something that runs by itself: nothing of another overlaps with it.
    private record Part(double operations, double bytes) {}

    private List<Part> parts() {
        List<Part> parts = new ArrayList<>();
        ModelFlops flops = theory.flops();
        if (spec.task().trains()) {
            double operations =
                    flops.byPhase(passes(), 0).values().stream()
                            .mapToDouble(Double::doubleValue)
                            .sum();
            parts.add(new Part(operations, theory.trainingBytes(passes())));
        }
        if (spec.task() != BenchTask.SFT && spec.task() != BenchTask.DPO) {
            int chunks = Math.ceilDiv(spec.rows() * spec.prompt(), CachedDecoder.CHUNK);
            parts.add(
                    new Part(
                            spec.rows() * flops.prefill(spec.prompt()),
                            chunks * theory.decodeBytes(1, 0, 2)));
        }
        if (spec.task() == BenchTask.GRPO || spec.task() == BenchTask.GENERATE) {
            int each = spec.task() == BenchTask.GRPO ? spec.completions() : 1;
            int sequences = spec.rows() * each;
            parts.add(
                    new Part(
                            sequences * flops.decode(spec.prompt(), spec.newTokens()),
                            theory.decodeBytes(sequences, spec.prompt(), spec.newTokens())));
        }
        return parts;
    }

    /// Operations of a step.
    public double operations() {
        return parts().stream().mapToDouble(Part::operations).sum();
    }

    /// Bytes that a step moves at least.
    public double bytes() {
        return parts().stream().mapToDouble(Part::bytes).sum();
    }

    /// Seconds that one H100 takes at best: reading, decoding and training after each other.
    public double h100Seconds() {
        return parts().stream()
                .mapToDouble(part -> Theory.h100Seconds(part.operations(), part.bytes()))
                .sum();
    }

    /// Bytes that must be there; of a generation the weights and the cache.
    public double resident() {
        if (spec.task().trains()) {
            long rows = passes().get("forward").rows();
            return theory.residentBytes((int) Math.min(rows, atOnce()));
        }
        double weights = (double) theory.dtype().bytes() * theory.flops().allWeights();
        long tokens = (long) spec.rows() * (spec.prompt() + spec.newTokens());
        return weights + tokens * theory.cacheBytes();
    }

    /// Tokens of a step as they are counted in tokens/s: a shared prompt for each row.
    public long tokens() {
        return switch (spec.task()) {
            case SFT -> (long) spec.rows() * spec.length();
            case DPO -> 2L * spec.rows() * spec.length();
            case GRPO ->
                    (long) spec.rows() * spec.completions() * (spec.prompt() + spec.newTokens());
            case GENERATE -> (long) spec.rows() * spec.newTokens();
            case PREFILL -> (long) spec.rows() * spec.prompt();
        };
    }
}
