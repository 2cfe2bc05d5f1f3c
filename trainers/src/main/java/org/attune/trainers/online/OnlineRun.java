package org.attune.trainers.online;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.onpolicy.Sampling;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// A run that learns from two judged completions of a prompt.
@Api(EXPERIMENTAL)
public sealed interface OnlineRun extends RolloutRun, CrossChecked
        permits OnlineDpoConfig, XpoConfig, NashMdConfig {
    /// Most tokens of a completion, by default.
    int MAX_NEW_TOKENS = 64;

    /// How completions are generated, by default.
    Sampling SAMPLING = Sampling.defaults().withTemperature(0.9);

    /// Most tokens of a completion.
    int maxNewTokens();

    /// What is taken off the reward of a completion that didn't end by itself.
    OptionalDouble missingEosPenalty();

    /// Most tokens of prompt and completion.
    OptionalInt maxLength();

    /// Whether the policy drops nothing.
    boolean disableDropout();

    /// Sets what was decided when the memory was known.
    ///
    /// @param slots most sequences generated at once
    OnlineRun fitted(TrainingConfig training, int slots);

    @Override
    default int maxCompletionLength() {
        return maxNewTokens();
    }

    /// Most tokens of a prompt, so that its completion fits too; empty: no limit.
    default OptionalInt longestPrompt() {
        int limit = rollouts().maxPromptLength().orElse(Integer.MAX_VALUE);
        if (maxLength().isPresent()) {
            limit = Math.min(limit, maxLength().getAsInt() - maxNewTokens());
        }
        return limit == Integer.MAX_VALUE ? OptionalInt.empty() : OptionalInt.of(limit);
    }

    /// The key of which [#longestPrompt] comes.
    default String promptLimit() {
        return longestPrompt().equals(rollouts().maxPromptLength())
                ? "max_prompt_length"
                : "max_length";
    }

    @Override
    default List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training().eval(), data()));
        problems.addAll(OptimizerConfig.needsAllWeights(training(), lora(), model()));
        problems.addAll(TrainingConfig.needsNoNoise(training()));
        problems.addAll(reference().asReference().problems(model(), lora()));
        if (maxLength().orElse(Integer.MAX_VALUE) <= maxNewTokens()) {
            problems.add(
                    new ConfigProblem(
                            "max_length",
                            maxLength().getAsInt(),
                            "more than max_new_tokens (%d), so that prompts fit"
                                    .formatted(maxNewTokens())));
        }
        problems.addAll(rewardProblems());
        problems.addAll(sourceProblems());
        return problems;
    }
}
