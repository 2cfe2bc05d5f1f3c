package org.attune.trainers.config;

import java.util.Locale;

/// The spelling of Java's names in a run's file.
public final class ConfigNames {
    private ConfigNames() {}

    /// `learningRate` is `learning_rate`; a digit stays with the letters before it (`adam_beta1`).
    public static String key(String componentName) {
        var out = new StringBuilder();
        for (char c : componentName.toCharArray()) {
            if (Character.isUpperCase(c)) {
                out.append('_');
            }
            out.append(Character.toLowerCase(c));
        }
        return out.toString();
    }

    /// `KEEP_START` is `keep_start`, unless it says otherwise itself.
    public static String wireName(Enum<?> constant) {
        return constant instanceof WireNamed named
                ? named.wireName()
                : constant.name().toLowerCase(Locale.ROOT);
    }
}
