package org.attune.model.config;

import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/// Says in the metadata of a GGUF file how a model knows positions, the reverse of [GgufRope].
///
/// @param config  of the model
/// @param family  its family
/// @param to      takes keys of the architecture
/// @param vectors takes tensors that divide frequencies
record GgufRopeKeys(
        DecoderConfig config,
        DecoderFamily family,
        BiConsumer<String, Object> to,
        Map<String, double[]> vectors) {
    private static final double LOCAL_THETA = 10000; // llama.cpp's where a key is absent

    /// Divisor of a frequency that is to be 0, as llama.cpp's converter has it.
    static final double STILL = 1e30f;

    private void put(String key, double value) {
        to.accept(key, (float) value);
    }

    private void put(String key, int value) {
        to.accept(key, (long) value);
    }

    /// Says it.
    ///
    /// @return longest text for which the file says it
    int put() {
        if (!config.rotates()) {
            return Integer.MAX_VALUE;
        }
        int longest = Integer.MAX_VALUE;
        RopeConfig rope = config.rope();
        put("rope.freq_base", rope.theta());
        if (rope.exceptions().windowTheta().orElse(LOCAL_THETA) != LOCAL_THETA) {
            put("rope.freq_base_swa", rope.exceptions().windowTheta().getAsDouble());
        }
        int head = config.attention().rotatedHead();
        put("rope.dimension_count", rope.rotaryDim(head));
        boolean always = family.absent().scaling() instanceof RopeScaling.Proportional;
        switch (rope.scaling()) {
            case RopeScaling.None _, RopeScaling.Linear _ when always -> divided(rope, head);
            case RopeScaling.None _ -> {}
            case RopeScaling.Proportional _, RopeScaling.Llama3 _ -> divided(rope, head);
            case RopeScaling.Dynamic dynamic ->
                    longest = dynamic.originalLength(); // as unscaled till there
            case RopeScaling.Linear(double factor) -> {
                to.accept("rope.scaling.type", "linear");
                put("rope.scaling.factor", factor);
            }
            case RopeScaling.Yarn yarn -> yarn(yarn);
            case RopeScaling.Divisors(List<Double> divisors, double attention) -> {
                vectors.put("rope_freqs.weight", numbers(divisors));
                factor(attention);
            }
            case RopeScaling.LongRope longer -> {
                vectors.put("rope_factors_long.weight", numbers(longer.longDivisors()));
                vectors.put("rope_factors_short.weight", numbers(longer.shortDivisors()));
                put("rope.scaling.original_context_length", longer.originalLength());
                factor(longer.attentionFactor());
            }
        }
        return longest;
    }

    /// A tensor of what frequencies are divided by.
    private void divided(RopeConfig rope, int head) {
        var plain =
                new RopeConfig(rope.theta(), rope.partialRotaryFactor(), new RopeScaling.None());
        double[] before = RopeTable.of(plain, head, 1).inverseFrequencies();
        double[] after = RopeTable.of(rope, head, 1).inverseFrequencies();
        vectors.put(
                "rope_freqs.weight",
                IntStream.range(0, before.length)
                        .mapToDouble(i -> after[i] == 0 ? STILL : before[i] / after[i])
                        .toArray());
    }

    private void factor(double attention) {
        if (attention != 1) {
            put("rope.scaling.attn_factor", attention);
        }
    }

    private static double[] numbers(List<Double> all) {
        return all.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private void yarn(RopeScaling.Yarn yarn) {
        to.accept("rope.scaling.type", "yarn");
        put("rope.scaling.factor", yarn.factor());
        put("rope.scaling.original_context_length", yarn.originalLength());
        if (yarn.betaFast() != 32 || yarn.betaSlow() != 1) {
            put("rope.scaling.yarn_beta_fast", yarn.betaFast());
            put("rope.scaling.yarn_beta_slow", yarn.betaSlow());
        }
        if (family.latent()) {
            double plain = 1 / Math.sqrt(config.headDim());
            double temperature = Math.sqrt(config.attention().scale() / plain);
            double all = (temperature - 1) / (0.1 * Math.log(yarn.factor()));
            if (Math.abs(all) > 1e-9) {
                put("rope.scaling.yarn_log_multiplier", 0.1f * all);
            }
            return;
        }
        double usual = RopeJson.yarnScale(yarn.factor(), 1);
        if (Math.abs(yarn.attentionFactor() / usual - 1) > 1e-6) {
            put("rope.scaling.attn_factor", yarn.attentionFactor() / usual);
        }
    }
}
