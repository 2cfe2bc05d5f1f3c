package org.attune.trainers.samples;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Positive;
import jakarta.validation.constraints.PositiveOrZero;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.InRange;
import org.attune.trainers.config.WiderRange;
import org.attune.trainers.onpolicy.JudgedRun;
import org.attune.trainers.onpolicy.Rewards;
import org.attune.trainers.onpolicy.RolloutSourceConfig;
import org.attune.trainers.onpolicy.Sampling;

import java.util.ArrayList;
import java.util.List;

/// A run that writes a data set: completions of prompts by a model or a server, scored, and chosen
/// from. Model, data and output file must be given.
///
/// @param model the model that completes; with a server its tokenizer and chat template
/// @param data prompts
/// @param numGenerations completions of a prompt; ≥ 1
/// @param maxCompletionLength most tokens of a completion; ≥ 1
/// @param sampling how their tokens are chosen; here `temperature` may be 0: the likeliest token
/// @param topLogprobs how many of the likeliest tokens of each place are written, ≥ 0
/// @param seed of all draws
/// @param source the server that completes, if it isn't the model here
/// @param rewards what scores completions; may be none with `keep: all`
/// @param output which are kept, and where
@Api(EXPERIMENTAL)
@CopyMethods
public record SampleConfig(
        @Valid ModelConfig model,
        @Valid DataConfig data,
        @Positive(message = "a whole number >= 1") int numGenerations,
        @Positive(message = "a whole number >= 1") int maxCompletionLength,
        @Valid @WiderRange(of = "temperature", range = @InRange(min = 0)) Sampling sampling,
        @PositiveOrZero(message = "a whole number >= 0") int topLogprobs,
        long seed,
        @Valid RolloutSourceConfig source,
        @Valid Rewards rewards,
        @Valid SampleOutputConfig output)
        implements SampleConfigCopies, CrossChecked, JudgedRun {
    /// The defaults, as listed at the parameters.
    public static SampleConfig defaults() {
        return SampleConfigCopies.blank()
                .withNumGenerations(8)
                .withMaxCompletionLength(512)
                .withSeed(42);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<ConfigProblem>();
        if (sampling.temperature() == 0 && numGenerations > 1) {
            problems.add(
                    new ConfigProblem(
                            "num_generations",
                            numGenerations,
                            "1 with temperature: 0, at which all would be alike"));
        }
        problems.addAll(dataProblems());
        source.recordedRollouts()
                .ifPresent(
                        file ->
                                problems.add(
                                        new ConfigProblem(
                                                "recorded_rollouts",
                                                file,
                                                "null: completions are generated here")));
        source.recordRollouts()
                .ifPresent(
                        file ->
                                problems.add(
                                        new ConfigProblem(
                                                "record_rollouts",
                                                file,
                                                "null: completions stay beside output_file")));
        source.rolloutServerAdapterDir()
                .ifPresent(
                        folder ->
                                problems.add(
                                        new ConfigProblem(
                                                "rollout_server_adapter_dir",
                                                folder,
                                                "null: nothing is trained here")));
        problems.addAll(choiceProblems());
        return problems;
    }

    private List<ConfigProblem> dataProblems() {
        var problems = new ArrayList<ConfigProblem>();
        if (!data.evalDatasets().isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "eval_datasets",
                            "given",
                            "nothing: the prompts of datasets are completed"));
        }
        if (data.isMixture()) {
            problems.add(
                    new ConfigProblem(
                            data.probabilities().isEmpty() ? "stopping_strategy" : "probabilities",
                            "given",
                            "null: each prompt is completed as often as the others"));
        }
        if (data.streaming()) {
            problems.add(
                    new ConfigProblem(
                            "streaming", true, "false: all prompts of datasets are completed"));
        }
        data.testSplitSize()
                .ifPresent(
                        size ->
                                problems.add(
                                        new ConfigProblem(
                                                "test_split_size",
                                                size,
                                                "null: the prompts of datasets are completed")));
        return problems;
    }

    private List<ConfigProblem> choiceProblems() {
        var problems = new ArrayList<ConfigProblem>();
        if (rewards.rewardFuncs().isEmpty() && output.keep() != KeptSamples.ALL) {
            problems.add(
                    new ConfigProblem(
                            "reward_funcs",
                            "[]",
                            "at least one reward, unless keep is all: a choice needs rewards"));
        }
        problems.addAll(rewards.weightProblems(rewards.rewardFuncs().size()));
        boolean single =
                output.keep() != KeptSamples.PAIRS && output.keep() != KeptSamples.LABELLED;
        if (topLogprobs > 0 && (!single || source.asksServers())) {
            problems.add(
                    new ConfigProblem(
                            "top_logprobs",
                            topLogprobs,
                            source.asksServers()
                                    ? "0 with rollout_server_base_url; attune gkd asks a server"
                                            + " itself by teacher_model_server_url"
                                    : "0 with keep: pairs or labelled, whose rows teach"
                                            + " otherwise"));
        }
        if (output.keep() == KeptSamples.PAIRS && numGenerations < 2) {
            problems.add(
                    new ConfigProblem(
                            "num_generations", numGenerations, "at least 2 with keep: pairs"));
        }
        return problems;
    }
}
