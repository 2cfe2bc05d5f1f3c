package org.attune.cli.config;

import java.util.Locale;
import java.util.Map;
import java.util.Set;

/// Makes one key of those by which TRL has weights loaded in few bits.
final class QuantisationKeys {
    private static final String KEY = "quantization";
    private static final String FOUR = "load_in_4bit";
    private static final String EIGHT = "load_in_8bit";
    private static final String TYPE = "bnb_4bit_quant_type";
    private static final String NESTED = "use_bnb_nested_quant";
    private static final Set<String> TYPES = Set.of("nf4", "fp4");

    private final Map<String, Setting> settings;
    private final Problems problems;

    private QuantisationKeys(Map<String, Setting> settings, Problems problems) {
        this.settings = settings;
        this.problems = problems;
    }

    /// Changes the map in place.
    static void resolve(Map<String, Setting> settings, Problems problems) {
        new QuantisationKeys(settings, problems).resolve();
    }

    private void resolve() {
        Setting four = take(FOUR);
        Setting eight = take(EIGHT);
        Setting type = take(TYPE);
        Setting nested = take(NESTED);
        boolean isFour = isTrue(four);
        boolean isEight = isTrue(eight);
        String kind = type == null ? "nf4" : type.value().toString().toLowerCase(Locale.ROOT);
        if (!TYPES.contains(kind)) {
            problems.add(type.where(), TYPE + ": " + type.value() + "; accepted: nf4, fp4");
            return;
        }
        boolean isNested = isTrue(nested);
        if (isFour && isEight) {
            problems.add(eight.where(), EIGHT + ": true; accepted: false with " + FOUR + ": true");
        } else if (isFour) {
            put(four, isNested ? kind + "_double" : kind);
        } else if (isEight) {
            put(eight, "int8");
        }
    }

    private void put(Setting given, String value) {
        var node = new YamlNode.Scalar(value, false, given.value().line());
        Setting before = settings.putIfAbsent(KEY, given.as(KEY, node));
        if (before != null && !before.value().toString().equals(value)) {
            problems.add(
                    given.where(),
                    "%s: true; accepted: one of %s and %s (%s: %s)"
                            .formatted(
                                    given.key(), given.key(), KEY, before.where(), before.value()));
        }
    }

    private Setting take(String key) {
        Setting setting = settings.remove(key);
        return setting == null || setting.value().isNull() ? null : setting;
    }

    private boolean isTrue(Setting setting) {
        if (setting == null) {
            return false;
        }
        try {
            return (boolean) ScalarValues.convert(boolean.class, setting.value());
        } catch (BadValue e) {
            problems.add(setting.where(), e.about(setting.key()));
            return false;
        }
    }
}
