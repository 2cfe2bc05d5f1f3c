package org.attune.trainers.online;

import org.attune.trainers.config.ConfigProblem;

import java.util.List;

/// Settings of which each epoch has its own, and all later ones the last.
final class EpochValues {
    private EpochValues() {}

    /// That of an epoch.
    ///
    /// @param epoch from 0
    static double at(List<Double> values, int epoch) {
        return values.get(Math.min(epoch, values.size() - 1));
    }

    /// @param accepted values, for messages
    static List<ConfigProblem> needed(String key, List<Double> values, String accepted) {
        return values.isEmpty()
                ? List.of(new ConfigProblem(key, values, accepted + ", or a list of them"))
                : List.of();
    }
}
