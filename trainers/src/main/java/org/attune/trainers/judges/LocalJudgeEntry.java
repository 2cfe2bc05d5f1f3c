package org.attune.trainers.judges;

import org.attune.error.ConfigException;
import org.attune.reward.builtin.Parameters;
import org.attune.reward.judge.JudgePrompt;
import org.attune.reward.judge.JudgeScale;
import org.attune.reward.judge.JudgeSpec;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// An entry of `reward_funcs` that names a language model of this process as judge:
/// ```
/// {judge: {model: FOLDER or policy, prompt: judge.txt or a text, system: a text, scale: 1..5},
///  weight: 0.5, label: taste}
/// ```
/// Only `model` must be there.
///
/// @param folder of a model or an adapter; empty: the policy's base, its adapter switched off
/// @param system a message before the question; empty: none
/// @param prompt the question
/// @param scale the answers that it may give
/// @param label name in metrics; empty: `judge`
/// @param weight 1 if left out
public record LocalJudgeEntry(
        Optional<Path> folder,
        Optional<String> system,
        JudgePrompt prompt,
        JudgeScale scale,
        Optional<String> label,
        double weight) {
    private static final String POLICY = "policy";
    private static final List<String> KEYS = List.of("judge", "weight", "label", "whole_round");

    /// Whether an entry is one.
    public static boolean fits(Object entry) {
        return entry instanceof Map<?, ?> map
                && map.get("judge") != null
                && JudgeSpec.isLocal(map.get("judge"));
    }

    /// @param entry one that [#fits]
    /// @param directory where relative paths start
    /// @param where the entry's place, for messages
    /// @throws ConfigException with everything that is wrong
    public static LocalJudgeEntry of(Object entry, Path directory, String where) {
        Map<String, Object> map = new LinkedHashMap<>();
        ((Map<?, ?>) entry).forEach((key, value) -> map.put(String.valueOf(key), value));
        for (String key : map.keySet()) {
            if (!KEYS.contains(key)) {
                throw new ConfigException(
                        "%s: %s is no key of an entry with a judge; accepted are %s"
                                .formatted(where, key, String.join(", ", KEYS)));
            }
        }
        ModelReward.requireWhole(map.get("whole_round"), where);
        var given = new Parameters("reward \"judge\"", JudgeSpec.map(map.get("judge")));
        String model = given.requiredText("model");
        String mode = given.choice("mode", "single", "group");
        if (mode.equals("group")) {
            given.problem(
                    "mode: group is for judges at a server (base_url), which can write; a local"
                            + " model's score is the expectation over its next token");
        }
        String system = given.text("system", "");
        JudgePrompt prompt = JudgeSpec.prompt(given, false, directory);
        JudgeScale scale = JudgeSpec.scale(given);
        if (scale.high() - (long) scale.low() > 100) {
            given.problem("scale may have 101 scores at most, got " + scale);
        }
        given.check();
        Optional<Path> folder =
                model.equals(POLICY)
                        ? Optional.empty()
                        : Optional.of(RewardModel.folder(model, directory, where));
        return new LocalJudgeEntry(
                folder,
                Optional.of(system).filter(text -> !text.isEmpty()),
                prompt,
                scale,
                Optional.ofNullable(map.get("label")).map(String::valueOf),
                ModelReward.weight(map.get("weight"), where));
    }
}
