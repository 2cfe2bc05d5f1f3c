package org.attune.reward.builtin;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.error.Spelling;
import org.attune.program.Providers;
import org.attune.reward.RewardFunction;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/// The rewards that come with Attune, by name. Those of TRL have TRL's names and parameters.
///
/// | name | rewards |
/// |---|---|
/// | `exact_answer` | a text equal to a column |
/// | `numeric_answer` | a last number equal to a column's |
/// | `gsm8k` | the answer behind `####` |
/// | `math_answer` | an answer to a problem of mathematics, however it is written |
/// | `accuracy_reward`, `reasoning_accuracy_reward` | an answer in `\boxed{…}` |
/// | `get_cosine_scaled_reward` | the same, shorter is better |
/// | `think_format_reward` | reasoning between `<think>` and `</think>` |
/// | `tag_count` | tags that occur exactly once |
/// | `regex` | a pattern |
/// | `json_valid`, `json_schema` | JSON, of a certain form |
/// | `length` | a length between two limits |
/// | `get_soft_overlong_punishment` | not to exceed a number of tokens |
/// | `get_repetition_penalty_reward` | not to repeat n-grams |
/// | `bleu`, `chrf`, `rouge` | overlap with a reference text |
/// | `kimi_length` | to be shorter than others of the same prompt |
@Api(EXPERIMENTAL)
public final class BuiltinRewards {
    private interface Factory {
        RewardFunction create(String name, Parameters parameters);
    }

    private static final Map<String, Factory> FACTORIES = factories();

    private BuiltinRewards() {}

    private static Map<String, Factory> factories() {
        var all = new LinkedHashMap<String, Factory>();
        all.put("exact_answer", AnswerRewards::exact);
        all.put("numeric_answer", AnswerRewards::numeric);
        all.put("gsm8k", AnswerRewards::gsm8k);
        all.put("math_answer", AnswerRewards::math);
        all.put("accuracy_reward", AnswerRewards::accuracy);
        all.put("reasoning_accuracy_reward", AnswerRewards::reasoningAccuracy);
        all.put("get_cosine_scaled_reward", AnswerRewards::cosineScaled);
        all.put("think_format_reward", PatternReward::thinkFormat);
        all.put("tag_count", PatternReward::tagCount);
        all.put("regex", PatternReward::regex);
        all.put("json_valid", JsonRewards::valid);
        all.put("json_schema", JsonRewards::schema);
        all.put("length", LengthRewards::length);
        all.put("get_soft_overlong_punishment", LengthRewards::softOverlong);
        all.put("get_repetition_penalty_reward", LengthRewards::repetition);
        all.put("bleu", OverlapRewards::bleu);
        all.put("chrf", OverlapRewards::chrf);
        all.put("rouge", OverlapRewards::rouge);
        all.put("kimi_length", GroupLengthReward::of);
        return all;
    }

    /// All names.
    public static List<String> names() {
        return List.copyOf(FACTORIES.keySet());
    }

    /// Makes a reward that has a name: a built-in one, or one of a jar's [RewardKind]. Its name in
    /// metrics is the given name; that of built-in ones is without `get_`, as TRL's functions are
    /// called.
    ///
    /// @param parameters by name; texts, numbers, booleans, lists and maps, as a YAML holds them
    /// @throws ConfigException if the name is unknown, or a parameter is unknown, missing or bad
    public static RewardFunction create(String name, Map<String, Object> parameters) {
        return create(name, parameters, Path.of(""));
    }

    /// Makes a reward that has a name, in a run whose file lies somewhere else.
    ///
    /// @param directory of the run's file, where rewards of jars look for theirs too
    public static RewardFunction create(
            String name, Map<String, Object> parameters, Path directory) {
        var given = new Parameters("reward \"%s\"".formatted(name), parameters);
        Map<String, RewardKind> kinds = kinds();
        if (kinds.containsKey(name)) {
            return kinds.get(name).open(given, directory).named(name);
        }
        Factory factory = FACTORIES.get(name);
        if (factory == null) {
            factory = FACTORIES.get("get_" + name);
        }
        if (factory == null) {
            throw unknown(name, kinds);
        }
        String shortName = name.startsWith("get_") ? name.substring("get_".length()) : name;
        return factory.create(shortName, given);
    }

    /// What jars on the class path bring, by name.
    ///
    /// @throws ConfigException if one can't be made, or has the name of another
    public static Map<String, RewardKind> kinds() {
        return Providers.all(RewardKind.class, RewardKind::name, FACTORIES.keySet());
    }

    private static ConfigException unknown(String name, Map<String, RewardKind> kinds) {
        var names = new LinkedHashSet<String>(FACTORIES.keySet());
        names.addAll(kinds.keySet());
        return new ConfigException(
                "reward \"%s\" is unknown%s; there are %s, or a .java file, class:NAME, MODULE.FUNCTION or FILE.py:FUNCTION of Python, or {command: […]}"
                        .formatted(
                                name,
                                Spelling.nearest(name, names)
                                        .map(near -> ", did you mean \"" + near + "\"?")
                                        .orElse(""),
                                String.join(", ", names)));
    }
}
