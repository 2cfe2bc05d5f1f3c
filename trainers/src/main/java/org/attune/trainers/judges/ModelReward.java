package org.attune.trainers.judges;

import org.attune.error.ConfigException;
import org.attune.error.Spelling;
import org.attune.models.StepSeparator;
import org.attune.models.score.ScoreModel.Aggregation;
import org.attune.trainers.config.ConfigNames;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// An entry of `reward_funcs` that names a reward model: its folder, or
/// ```
/// {model: FOLDER, weight: 0.5, label: steps, aggregation: min, step_separator: "\n"}
/// ```
/// of which all but `model` may be left out. The last two are for process reward models.
/// `whole_round` may be `true`, which it is anyway.
///
/// @param folder of a model or an adapter
/// @param label name in metrics; empty: the folder's
/// @param weight 1 if left out
/// @param aggregation of a solution's steps
/// @param separator between them; empty: the one that the folder says, or [StepSeparator#DEFAULT]
public record ModelReward(
        Path folder,
        Optional<String> label,
        double weight,
        Optional<Aggregation> aggregation,
        Optional<StepSeparator> separator) {
    private static final List<String> KEYS =
            List.of("model", "weight", "label", "whole_round", "aggregation", "step_separator");

    /// Whether an entry is one.
    public static boolean fits(Object entry, Path directory) {
        return switch (entry) {
            case String text ->
                    !text.startsWith("class:") && RewardModel.find(text, directory).isPresent();
            case Map<?, ?> map -> map.containsKey("model");
            default -> false;
        };
    }

    /// @param entry one that [#fits]
    /// @param directory where relative paths start
    /// @param where the entry's place, for messages
    /// @throws ConfigException if a key is unknown or a value faulty
    public static ModelReward of(Object entry, Path directory, String where) {
        Map<String, Object> map = new LinkedHashMap<>();
        if (entry instanceof Map<?, ?> given) {
            given.forEach((key, value) -> map.put(String.valueOf(key), value));
        } else {
            map.put("model", entry);
        }
        for (String key : map.keySet()) {
            if (!KEYS.contains(key)) {
                throw new ConfigException(
                        "%s: %s is no key of a reward model; accepted are %s%s"
                                .formatted(
                                        where,
                                        key,
                                        String.join(", ", KEYS),
                                        Spelling.nearest(key, KEYS)
                                                .map(near -> "; did you mean " + near + "?")
                                                .orElse("")));
            }
        }
        requireWhole(map.get("whole_round"), where);
        Path folder = RewardModel.folder(String.valueOf(map.get("model")), directory, where);
        return new ModelReward(
                folder,
                Optional.ofNullable(map.get("label")).map(String::valueOf),
                weight(map.get("weight"), where),
                Optional.ofNullable(map.get("aggregation")).map(a -> aggregation(a, where)),
                Optional.ofNullable(map.get("step_separator")).map(text -> separator(text, where)));
    }

    /// A model judges a round when it has ended.
    static void requireWhole(Object value, String where) {
        if (value != null && !Boolean.TRUE.equals(value)) {
            throw new ConfigException(
                    "%s: whole_round is %s, but a model judges all completions of a round at once; leave it out"
                            .formatted(where, value));
        }
    }

    static double weight(Object value, String where) {
        if (value == null) {
            return 1;
        }
        if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
            return number.doubleValue();
        }
        throw new ConfigException(
                "%s: weight must be a finite number, got %s".formatted(where, value));
    }

    private static Aggregation aggregation(Object value, String where) {
        return Arrays.stream(Aggregation.values())
                .filter(a -> ConfigNames.wireName(a).equals(value))
                .findFirst()
                .orElseThrow(
                        () ->
                                new ConfigException(
                                        "%s: aggregation is %s; accepted are min, product, mean, last"
                                                .formatted(where, value)));
    }

    private static StepSeparator separator(Object value, String where) {
        if (value instanceof String text && !text.isEmpty()) {
            return new StepSeparator(text);
        }
        throw new ConfigException(
                "%s: step_separator must be a text of at least one character, got %s"
                        .formatted(where, value));
    }
}
