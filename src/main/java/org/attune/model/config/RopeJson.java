package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Reads `rope_scaling` (before transformers 5) or `rope_parameters` into a [RopeScaling].
final class RopeJson {
    /// `finetuned` is a remark.
    private static final Set<String> KEYS =
            Set.of(
                    "rope_type",
                    "type",
                    "rope_theta",
                    "factor",
                    "original_max_position_embeddings",
                    "low_freq_factor",
                    "high_freq_factor",
                    "attention_factor",
                    "beta_fast",
                    "beta_slow",
                    "mscale",
                    "mscale_all_dim",
                    "truncate",
                    "short_factor",
                    "long_factor",
                    "partial_rotary_factor",
                    "finetuned");

    private static final OptionalDouble NO_ALPHA = OptionalDouble.empty();

    private static final double LOCAL_THETA = 10000; // of an absent rope_local_base_freq

    private static final int STILL_INTERVAL = 4; // of an absent no_rope_layer_interval

    private static final String ROTARY_DIM = "rotary_dim";

    private static final String SHARE = "partial_rotary_factor";

    private static final String PROPORTIONAL = "proportional";

    /// Key of how many pairs of features turn by times, rows and columns of pictures.
    static final String SECTIONS = "mrope_section";

    /// Key of whether these pairs take turns.
    static final String INTERLEAVED = "mrope_interleaved";

    private static final String GROWTH = "llama_4_scaling_beta";

    private static final String TUNING = "attn_temperature_tuning";

    private RopeJson() {}

    /// The rotary embedding of a decoder.
    ///
    /// @param maxPositions `max_position_embeddings`
    static RopeConfig rope(
            JsonFields json, DecoderFamily family, AttentionConfig attention, int maxPositions) {
        List<Integer> windows = attention.windows();
        Optional<JsonFields> parameters = json.object("rope_parameters");
        boolean apart =
                switch (family.rotation()) {
                    case WINDOWS_APART, WINDOWS_UNSCALED -> true;
                    case ALIKE, SOME_STILL, FULL_STILL, WINDOWS_ONLY -> false;
                };
        Optional<JsonFields> byType =
                apart ? parameters.filter(p -> p.has(ConfigJson.FULL)) : Optional.empty();
        Optional<JsonFields> scaling =
                byType.flatMap(p -> p.object(ConfigJson.FULL))
                        .or(() -> json.object("rope_scaling"))
                        .or(() -> parameters);
        double outer = json.number(family.ropeKeys().theta(), family.absent().theta());
        double theta = scaling.map(s -> s.number("rope_theta", outer)).orElse(outer);
        OptionalDouble alpha = family.obeyed().contains("alpha") ? alpha(scaling) : NO_ALPHA;
        return new RopeConfig(
                alpha.isPresent()
                        ? stretched(theta, alpha.getAsDouble(), attention.headDim())
                        : theta,
                share(json, family, scaling),
                alpha.isPresent()
                        ? new RopeScaling.None()
                        : scaling.map(s -> scaling(json, family, s, maxPositions))
                                .orElse(family.absent().scaling()),
                exceptions(
                        json,
                        family,
                        byType.flatMap(p -> p.object(ConfigJson.WINDOW)),
                        theta,
                        windows),
                pairs(json, family),
                growth(json, family, scaling, maxPositions),
                family.absent().sections().map(absent -> sections(absent, scaling, attention)));
    }

    /// Whether pairs take turns is the family's, whatever the key says.
    private static RopeConfig.Sections sections(
            RopeConfig.Sections absent, Optional<JsonFields> scaling, AttentionConfig attention) {
        RopeConfig.Sections own =
                scaling.filter(s -> s.has(SECTIONS)).map(s -> sections(s, absent)).orElse(absent);
        int pairs = attention.headDim() / 2;
        if (!own.interleaved() && own.pairs() != pairs) {
            throw new IllegalArgumentException(
                    "%s: %d pairs, but a head has %d".formatted(SECTIONS, own.pairs(), pairs));
        }
        return own;
    }

    private static RopeConfig.Sections sections(JsonFields scaling, RopeConfig.Sections absent) {
        List<Integer> sizes = scaling.integers(SECTIONS);
        if (sizes.size() != RopeConfig.Sections.STREAMS
                || sizes.stream().anyMatch(size -> size < 0)) {
            throw scaling.invalid(SECTIONS, "three numbers: pairs of times, rows and columns");
        }
        if (scaling.flag(INTERLEAVED, absent.interleaved()) != absent.interleaved()) {
            throw scaling.invalid(INTERLEAVED, "%s in this family".formatted(absent.interleaved()));
        }
        return new RopeConfig.Sections(
                sizes.get(0), sizes.get(1), sizes.get(2), absent.interleaved());
    }

    private static Optional<RopeConfig.Growth> growth(
            JsonFields json, DecoderFamily family, Optional<JsonFields> scaling, int maxPositions) {
        if (family.obeyed().contains(TUNING)) {
            return isTuned(json)
                    ? Optional.of(
                            new RopeConfig.Growth(
                                    json.number("attn_scale", 0.1),
                                    json.size("floor_scale", Integer.MAX_VALUE, 8192),
                                    true))
                    : Optional.empty();
        }
        if (!family.obeyed().contains(GROWTH)) {
            return Optional.empty();
        }
        JsonFields own =
                scaling.orElseThrow(
                        () ->
                                new ModelException(
                                        "%s: rope_parameters is missing; accepted: an object with %s"
                                                .formatted(json.where(), GROWTH)));
        int length = originalLength(json, own, maxPositions);
        return Optional.of(new RopeConfig.Growth(own.number(GROWTH), length, false));
    }

    /// Older configurations have a number, of which 0 is false.
    private static boolean isTuned(JsonFields json) {
        return json.has(TUNING) && json.get(TUNING).isNumber()
                ? json.number(TUNING) != 0
                : json.flag(TUNING, true);
    }

    private static RopeConfig.Pairs pairs(JsonFields json, DecoderFamily family) {
        String key = "rope_interleave";
        boolean halves = family.obeyed().contains(key) && !json.flag(key, true);
        return halves ? RopeConfig.Pairs.HALVES : family.absent().pairs();
    }

    /// Hunyuan's "dynamic" scaling is a fixed stretch of the base, whatever the length.
    private static OptionalDouble alpha(Optional<JsonFields> scaling) {
        return scaling.filter(s -> s.text("rope_type", s.text("type", "")).equals("dynamic"))
                .map(s -> s.number("alpha", 0))
                .filter(alpha -> alpha != 0)
                .map(OptionalDouble::of)
                .orElse(NO_ALPHA);
    }

    /// θ · α^(d/(d−2))
    private static double stretched(double theta, double alpha, int headDim) {
        return theta * Math.pow(alpha, headDim / (headDim - 2.0));
    }

    /// The share of each head that is rotated.
    private static double share(
            JsonFields json, DecoderFamily family, Optional<JsonFields> scaling) {
        String key = SHARE;
        if (scaling.filter(RopeJson::isProportional).isPresent()) {
            return 1;
        }
        if (family.rotatesParts()) {
            double absent =
                    family.obeyed().contains(ROTARY_DIM) && json.has(ROTARY_DIM)
                            ? json.integer(ROTARY_DIM) / json.number("head_dim")
                            : family.absent().share();
            double outer = json.number(family.ropeKeys().share(), absent);
            return scaling.map(s -> s.number(key, outer)).orElse(outer);
        }
        scaling.ifPresent(
                s -> {
                    if (s.number(key, 1) != 1) {
                        throw s.invalid(key, "1: heads are rotated whole");
                    }
                });
        return 1;
    }

    private static boolean isProportional(JsonFields scaling) {
        return scaling.text("rope_type", scaling.text("type", "")).equals(PROPORTIONAL);
    }

    private static RopeConfig.Exceptions exceptions(
            JsonFields json,
            DecoderFamily family,
            Optional<JsonFields> inWindows,
            double theta,
            List<Integer> windows) {
        return switch (family.rotation()) {
            case ALIKE -> RopeConfig.Exceptions.NONE;
            case WINDOWS_APART -> {
                double absent = json.number("rope_local_base_freq", LOCAL_THETA);
                yield ofWindows(inWindows, absent);
            }
            case WINDOWS_UNSCALED -> ofWindows(inWindows, theta);
            case SOME_STILL ->
                    new RopeConfig.Exceptions(OptionalDouble.empty(), still(json, windows.size()));
            case FULL_STILL ->
                    new RopeConfig.Exceptions(
                            OptionalDouble.empty(),
                            json.mentions("sliding_window") && !json.has("sliding_window")
                                    ? Set.of()
                                    : withoutWindow(windows));
            case WINDOWS_ONLY ->
                    new RopeConfig.Exceptions(OptionalDouble.empty(), withoutWindow(windows));
        };
    }

    /// @param absent base of the wavelengths where no key says it
    private static RopeConfig.Exceptions ofWindows(Optional<JsonFields> inWindows, double absent) {
        inWindows.ifPresent(RopeJson::requirePlain);
        double own = inWindows.map(w -> w.number("rope_theta", absent)).orElse(absent);
        return new RopeConfig.Exceptions(OptionalDouble.of(own), Set.of());
    }

    private static Set<Integer> withoutWindow(List<Integer> windows) {
        return IntStream.range(0, windows.size())
                .filter(layer -> windows.get(layer) == 0)
                .boxed()
                .collect(Collectors.toSet());
    }

    private static void requirePlain(JsonFields windows) {
        refuseOthers(windows, List.of());
        if (!windows.text("rope_type", "default").equals("default")) {
            throw windows.invalid("rope_type", "default in layers with a window");
        }
    }

    /// Layers that rotate nothing.
    static Set<Integer> still(JsonFields json, int layers) {
        Set<Integer> still = new TreeSet<>();
        List<Integer> rotates = json.integers("no_rope_layers"); // 1 where a layer rotates
        if (!rotates.isEmpty() && rotates.size() != layers) {
            throw json.invalid(
                    "no_rope_layers", "one number for each of %d layers".formatted(layers));
        }
        int interval = json.size("no_rope_layer_interval", Integer.MAX_VALUE, STILL_INTERVAL);
        for (int layer = 0; layer < layers; layer++) {
            boolean isStill =
                    rotates.isEmpty() ? (layer + 1) % interval == 0 : rotates.get(layer) == 0;
            if (isStill) {
                still.add(layer);
            }
        }
        return still;
    }

    /// @param config       the whole `config.json`
    /// @param family       whose it is
    /// @param scaling      the object that describes the scaling
    /// @param maxPositions `max_position_embeddings`
    static RopeScaling scaling(
            JsonFields config, DecoderFamily family, JsonFields scaling, int maxPositions) {
        refuseOthers(scaling, family.obeyed());
        String typeKey = scaling.has("rope_type") ? "rope_type" : "type";
        String type = scaling.text(typeKey, "default");
        boolean sections = type.equals("mrope") && family.absent().sections().isPresent();
        return switch (sections ? "default" : type) {
            case "default" -> new RopeScaling.None();
            case "linear" -> new RopeScaling.Linear(factor(scaling));
            case "dynamic" -> new RopeScaling.Dynamic(factor(scaling), maxPositions);
            case "llama3" ->
                    new RopeScaling.Llama3(
                            factor(scaling),
                            scaling.number("low_freq_factor"),
                            scaling.number("high_freq_factor"),
                            originalLength(config, scaling, maxPositions));
            case "yarn" -> yarn(config, scaling, maxPositions);
            case "longrope" -> longRope(config, scaling, maxPositions);
            case PROPORTIONAL -> {
                if (family.rotatesParts()) {
                    throw scaling.invalid(typeKey, "another one where heads are rotated in part");
                }
                double factor = scaling.has("factor") ? factor(scaling) : 1;
                yield new RopeScaling.Proportional(scaling.number(SHARE, 1), factor);
            }
            default ->
                    throw scaling.invalid(
                            typeKey,
                            "default, linear, dynamic, llama3, yarn, longrope, proportional");
        };
    }

    /// Passing over a key would rotate in another way than the model does: parameters of single
    /// layer types, sections of several positions, other exponents.
    ///
    /// @param obeyed what the family obeys besides
    private static void refuseOthers(JsonFields scaling, List<String> obeyed) {
        for (String key : scaling.keys()) {
            if (scaling.has(key) && !KEYS.contains(key) && !obeyed.contains(key)) {
                throw scaling.invalid(
                        key, "no such key; known are " + String.join(", ", new TreeSet<>(KEYS)));
            }
        }
    }

    private static RopeScaling yarn(JsonFields config, JsonFields scaling, int maxPositions) {
        int original = originalLength(config, scaling, maxPositions);
        double factor = scaling.has("factor") ? factor(scaling) : (double) maxPositions / original;
        double mscale = scaling.number("mscale", 0);
        double mscaleAll = scaling.number("mscale_all_dim", 0);
        double attention =
                mscale != 0 && mscaleAll != 0
                        ? yarnScale(factor, mscale) / yarnScale(factor, mscaleAll)
                        : yarnScale(factor, 1);
        return new RopeScaling.Yarn(
                factor,
                scaling.number("attention_factor", attention),
                scaling.number("beta_fast", 32),
                scaling.number("beta_slow", 1),
                original,
                scaling.flag("truncate", true));
    }

    /// Temperature of YaRN, [Eq. 22](https://arxiv.org/abs/2309.00071): 0.1·m·ln(s) + 1.
    static double yarnScale(double factor, double mscale) {
        return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
    }

    private static RopeScaling longRope(JsonFields config, JsonFields scaling, int maxPositions) {
        List<Double> shorter = scaling.numbers("short_factor");
        List<Double> longer = scaling.numbers("long_factor");
        if (shorter.isEmpty() || longer.isEmpty()) {
            throw scaling.invalid(
                    shorter.isEmpty() ? "short_factor" : "long_factor",
                    "for longrope: a list of numbers");
        }
        int original = originalLength(config, scaling, maxPositions);
        double factor =
                config.has("original_max_position_embeddings")
                        ? (double) maxPositions / original
                        : scaling.number("factor", (double) maxPositions / original);
        double usual = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
        double attention = scaling.number("attention_factor", usual);
        return shorter.equals(longer)
                ? new RopeScaling.Divisors(shorter, attention)
                : new RopeScaling.LongRope(shorter, longer, attention, original);
    }

    private static int originalLength(JsonFields config, JsonFields scaling, int maxPositions) {
        String key = "original_max_position_embeddings";
        int length = config.integer(key, scaling.integer(key, maxPositions));
        if (length <= 0) {
            throw scaling.invalid(key, "a positive integer");
        }
        return length;
    }

    private static double factor(JsonFields scaling) {
        double factor = scaling.number("factor");
        if (!(factor >= 1) || Double.isInfinite(factor)) {
            throw scaling.invalid("factor", "a number ≥ 1");
        }
        return factor;
    }
}
