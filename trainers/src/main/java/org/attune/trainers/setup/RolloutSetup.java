package org.attune.trainers.setup;

import org.attune.datasets.PromptExample;
import org.attune.error.ConfigException;
import org.attune.model.Adapter;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardScorer;
import org.attune.reward.WeightedReward;
import org.attune.reward.spec.RewardSpec;
import org.attune.rollout.EngineRollouts;
import org.attune.rollout.Generator;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SamplingConfig;
import org.attune.rollout.SamplingConfig.Distribution;
import org.attune.rollout.TextCompleter;
import org.attune.trainers.config.GenerationConfig;
import org.attune.trainers.config.GrpoConfig;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a run with rollouts needs beside policy and data: how completions are sampled and judged.
final class RolloutSetup {
    private RolloutSetup() {}

    /// The reward functions of a run; the caller closes them.
    ///
    /// @param directory where relative paths start
    /// @throws ConfigException with the problems of all entries
    static RewardScorer rewards(GrpoConfig config, Path directory) {
        var limits =
                RewardLimits.defaults()
                        .withTimeout(
                                Duration.ofMillis((long) (1000 * config.rewards().rewardTimeout())))
                        .withParallelism(config.rewards().rewardParallelism());
        List<WeightedReward> functions =
                RewardSpec.parse(config.rewards().rewardFuncs(), directory, limits);
        List<Double> weights = config.rewards().rewardWeights();
        return new RewardScorer(
                weights.isEmpty() ? functions : RewardSpec.withWeights(functions, weights), limits);
    }

    /// Checks that every row has what the rewards read.
    ///
    /// @throws ConfigException naming reward, column and the first row without it
    static void requireColumns(RewardScorer rewards, RunRows<PromptExample> rows) {
        List<PromptExample> all = new ArrayList<>(rows.train());
        rows.evalSets().forEach(set -> all.addAll(set.rows()));
        rewards.requiredColumns()
                .forEach(
                        (name, columns) ->
                                columns.forEach(column -> requireColumn(name, column, all)));
    }

    private static void requireColumn(String reward, String column, List<PromptExample> rows) {
        for (PromptExample row : rows) {
            if (row.columns().get(column) == null) {
                throw new ConfigException(
                        ("%s: reward \"%s\" needs the column \"%s\"; the row has %s. Add it, or"
                             + " give another column its name with datasets: [{path: ..., columns:"
                             + " {theirs: %s}}]")
                                .formatted(
                                        row.origin().where(),
                                        reward,
                                        column,
                                        row.columns().keySet(),
                                        column));
            }
        }
    }

    /// Rollouts of the policy itself.
    static RolloutSource source(GrpoConfig config, ModelSetup model, PolicySetup policy) {
        var adapter = policy.policy().adapter().isPresent() ? Adapter.TRAINED : Adapter.OFF;
        var tokenizer = model.text().tokenizer();
        var generator =
                new Generator(
                        policy.decoder(),
                        adapter,
                        Optional.of(tokenizer),
                        config.generation().generationSlots());
        var sampling =
                SamplingConfig.of(
                                distribution(config.generation()),
                                config.generation().maxCompletionLength(),
                                TextCompleter.stopIds(model.source(), tokenizer),
                                config.training().seed())
                        .withMinNewTokens(minimum(config.generation()))
                        .withStopStrings(stops(config.generation()));
        double temperature = config.heldOut().temperature(config.generation());
        return new EngineRollouts(
                generator,
                sampling,
                sampling.withDistribution(sampling.distribution().withTemperature(temperature)));
    }

    private static Distribution distribution(GenerationConfig g) {
        Map<String, Object> more = g.generationKwargs();
        return new Distribution(
                g.repetitionPenalty(),
                number(more, "presence_penalty", 0),
                number(more, "frequency_penalty", 0),
                g.temperature(),
                g.topK(),
                g.topP(),
                g.minP().orElse(0),
                number(more, "typical_p", 1));
    }

    private static int minimum(GenerationConfig g) {
        return (int) number(g.generationKwargs(), "min_new_tokens", 0);
    }

    private static List<String> stops(GenerationConfig g) {
        Object stops = g.generationKwargs().get("stop_strings");
        return switch (stops) {
            case null -> List.of();
            case List<?> texts -> texts.stream().map(String::valueOf).toList();
            default -> List.of(String.valueOf(stops));
        };
    }

    private static double number(Map<String, Object> values, String key, double standard) {
        Object value = values.get(key);
        if (value == null) {
            return standard;
        }
        if (value instanceof Number number) {
            return number.doubleValue();
        }
        throw new ConfigException(
                "generation_kwargs.%s is %s; accepted: a number".formatted(key, value));
    }
}
