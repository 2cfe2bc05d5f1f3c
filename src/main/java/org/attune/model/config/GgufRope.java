package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// Says how the model of a GGUF file knows positions.
///
/// @param file   description of the model
/// @param family of its model
/// @param json   its `config.json`, as far as it is known
record GgufRope(GgufDescription file, DecoderFamily family, Map<String, Object> json) {
    private static final int MOST = DecoderConfig.MOST_FEATURES;
    private static final double THETA = 10000;
    private static final String TYPE = "rope.scaling.type";

    void put() {
        double theta = file.number("rope.freq_base").orElse(THETA);
        int dimensions = file.optionalSize("rope.dimension_count", MOST).orElse(0);
        OptionalDouble inWindows = file.number("rope.freq_base_swa");
        json.put(family.ropeKeys().theta(), theta);
        switch (family.rotation()) {
            case WINDOWS_APART -> json.put("rope_local_base_freq", inWindows.orElse(THETA));
            case ALIKE, SOME_STILL, WINDOWS_UNSCALED, FULL_STILL, WINDOWS_ONLY -> {
                if (inWindows.orElse(theta) != theta) {
                    throw file.invalid("rope.freq_base_swa", "%s, rope.freq_base", theta);
                }
            }
        }
        if (!family.latent()) {
            share(dimensions);
        }
        Map<String, Object> scaling = scaling();
        if (!scaling.isEmpty()) {
            json.put("rope_scaling", scaling);
        }
    }

    private void share(int dimensions) {
        int headDim = // of layers without a window
                file.optionalSize("attention.key_length", MOST)
                        .orElseGet(() -> (int) json.get("head_dim"));
        int rotated = dimensions == 0 ? headDim : dimensions;
        if (!family.rotatesParts()) {
            if (rotated != headDim && family.rotates().test(known())) {
                throw file.invalid("rope.dimension_count", "%d: heads are rotated whole", headDim);
            }
            return;
        }
        double share = (double) rotated / headDim;
        while ((int) (headDim * share) < rotated) {
            share = Math.nextUp(share);
        }
        json.put(family.ropeKeys().share(), share);
    }

    private JsonFields known() {
        return JsonFields.of(file.metadata().where(), json);
    }

    private Map<String, Object> scaling() {
        Optional<List<Double>> longer = file.vector("rope_factors_long.weight");
        Optional<List<Double>> shorter = file.vector("rope_factors_short.weight");
        Optional<List<Double>> divisors = file.vector("rope_freqs.weight");
        Map<String, Object> named = named();
        if (longer.isPresent() != shorter.isPresent()) {
            throw new ModelException(
                    ("%s holds one of the tensors rope_factors_long.weight and"
                                    + " rope_factors_short.weight; LongRoPE needs both")
                            .formatted(file.metadata().where()));
        }
        boolean still = family.absent().scaling() instanceof RopeScaling.Proportional;
        if (still && divisors.isEmpty()) {
            throw new ModelException(
                    "%s holds no rope_freqs.weight, which says what %s models rotate"
                            .formatted(file.metadata().where(), file.architecture()));
        }
        if (longer.isEmpty() && divisors.isEmpty()) {
            return named;
        }
        if (!named.isEmpty()) {
            throw file.invalid(TYPE, "none, beside a tensor that divides frequencies");
        }
        if (still && longer.isEmpty() && isProportional(divisors.get())) {
            return proportional(divisors.get());
        }
        var result = new LinkedHashMap<String, Object>();
        result.put("rope_type", "longrope");
        result.put("short_factor", shorter.or(() -> divisors).orElseThrow());
        result.put("long_factor", longer.or(() -> divisors).orElseThrow());
        result.put("attention_factor", file.number("rope.scaling.attn_factor").orElse(1));
        int original = originalLength();
        result.put("original_max_position_embeddings", original);
        if (longer.isPresent()) {
            json.put("original_max_position_embeddings", original); // where Phi-3 has it
        }
        return result;
    }

    private static int turning(List<Double> divisors) {
        return (int) divisors.stream().takeWhile(d -> d < GgufRopeKeys.STILL / 10).count();
    }

    /// Whether the first frequencies are divided by one number, and the others are as good as 0.
    private static boolean isProportional(List<Double> divisors) {
        int turning = turning(divisors);
        return turning > 0
                && divisors.subList(0, turning).stream().distinct().count() == 1
                && divisors.stream().skip(turning).allMatch(d -> d >= GgufRopeKeys.STILL / 10);
    }

    private static Map<String, Object> proportional(List<Double> divisors) {
        int pairs = divisors.size();
        int turning = turning(divisors);
        double share = (double) turning / pairs;
        while ((int) (share * 2 * pairs / 2) < turning) {
            share = Math.nextUp(share);
        }
        var result = new LinkedHashMap<String, Object>();
        result.put("rope_type", "proportional");
        result.put("partial_rotary_factor", share);
        if (divisors.getFirst() != 1) {
            result.put("factor", divisors.getFirst());
        }
        return result;
    }

    private int originalLength() {
        return file.optionalSize("rope.scaling.original_context_length", Integer.MAX_VALUE)
                .orElseGet(() -> file.size("context_length", Integer.MAX_VALUE));
    }

    private Map<String, Object> named() {
        double old = file.number("rope.scale_linear").orElse(1);
        double factor = file.number("rope.scaling.factor").orElse(old);
        String type = file.text(TYPE, factor != 1 && factor != 0 ? "linear" : "none");
        var result = new LinkedHashMap<String, Object>();
        if (!type.equals("yarn") && !file.holds("rope_factors_long.weight")) {
            requirePlainFactor();
        }
        switch (type) {
            case "none", "longrope" -> {}
            case "linear" -> {
                if (factor != 1 && factor != 0) {
                    result.put("rope_type", "linear");
                    result.put("factor", factor);
                }
            }
            case "yarn" -> yarn(result, factor);
            default -> throw file.invalid(TYPE, "none, linear, yarn, longrope");
        }
        return result;
    }

    /// llama.cpp multiplies by it whatever the scaling is.
    private void requirePlainFactor() {
        String key = "rope.scaling.attn_factor";
        if (file.number(key).orElse(1) != 1) {
            throw file.invalid(key, "1, where neither YaRN nor LongRoPE scales positions");
        }
    }

    private void yarn(Map<String, Object> result, double factor) {
        result.put("rope_type", "yarn");
        result.put("factor", factor);
        result.put("beta_fast", file.number("rope.scaling.yarn_beta_fast").orElse(32));
        result.put("beta_slow", file.number("rope.scaling.yarn_beta_slow").orElse(1));
        result.put("original_max_position_embeddings", originalLength());
        // llama.cpp's converters multiply it by 0.1 for latent attention, and only there.
        double unit = family.latent() ? 0.1f : 1;
        double all = file.number("rope.scaling.yarn_log_multiplier").orElse(0) / unit;
        if (all != 0) {
            result.put("mscale", all);
            result.put("mscale_all_dim", all);
        }
        OptionalDouble attention = file.number("rope.scaling.yarn_attn_factor");
        OptionalDouble times = file.number("rope.scaling.attn_factor");
        if (attention.isPresent()) {
            result.put("attention_factor", attention.getAsDouble());
        } else if (times.isPresent() && times.getAsDouble() != 1) {
            result.put("attention_factor", times.getAsDouble() * RopeJson.yarnScale(factor, 1));
        }
        if (family.sinks()) {
            result.put("truncate", false); // as in all models of gpt-oss
        }
    }
}
