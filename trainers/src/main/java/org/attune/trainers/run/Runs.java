package org.attune.trainers.run;

import static org.attune.api.Api.Status.EXPERIMENTAL;
import static org.attune.error.Argument.given;
import static org.attune.error.Argument.givenAll;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.hub.HubDownload;
import org.attune.ranks.Collective;
import org.attune.ranks.SingleProcess;
import org.attune.reward.CompletionScorer;
import org.attune.reward.WeightedReward;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.grpo.GrpoMethod;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.opening.Judging;
import org.attune.trainers.opening.Passes;
import org.attune.trainers.opening.RolloutMethod;
import org.attune.trainers.opening.Surroundings;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.ppo.PpoConfig;
import org.attune.trainers.ppo.PpoMethod;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// Whole runs, from a configuration to files in `output_dir`.
/// ```
/// SftConfig config = SftConfig.defaults()
///         .withModel(ModelConfig.of("SmolLM2-135M-Instruct.Q4_1.gguf"))
///         .withLora(LoraSettings.allLinear(16, 32))
///         .withData(DataConfig.of("train.jsonl"))
///         .withTraining(t -> t.withSave(SaveConfig.to(Path.of("out"))));
/// RunSummary summary = Runs.with().train(config);
/// ```
/// `output_dir` then holds what the command `attune sft` leaves there, but pictures and warnings.
///
/// @param hub where names of models and data sets are looked up
/// @param listeners told what happens, in this order
/// @param stop ends a run early, from any thread
/// @param ranks processes of the run, which all make the same calls
/// @param files what the writing rank writes beside checkpoints and the result; empty: nothing
@Api(EXPERIMENTAL)
public record Runs(
        HubCache hub,
        List<TrainingListener> listeners,
        StopSignal stop,
        Collective ranks,
        Optional<RunFiles> files) {
    /// What a [CompletionScorer] replaces.
    private static final List<Object> JUDGE = List.of("(a judge of its own)");

    public Runs {
        given(hub, "hub");
        listeners = givenAll(listeners, "listeners");
        given(stop, "stop");
        given(ranks, "ranks");
        given(files, "files");
    }

    /// Runs in one process, with files.
    public Runs(HubCache hub, List<TrainingListener> listeners, StopSignal stop) {
        this(hub, listeners, stop, new SingleProcess(), Optional.of(RunFiles.ofProgram()));
    }

    /// These without files but checkpoints and the result, for listeners that write their own.
    public Runs withoutFiles() {
        return new Runs(hub, listeners, stop, ranks, Optional.empty());
    }

    /// Runs with the environment's hub cache.
    public static Runs with(TrainingListener... listeners) {
        return new Runs(
                HubDownload.cache(),
                Arrays.asList(given(listeners, "listeners")),
                new StopSignal());
    }

    /// Trains by the method whose configuration it is. Relative paths start where the process is.
    ///
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public <C extends Record & RunConfig> RunSummary train(C config) {
        return train(config, Path.of(""));
    }

    /// Trains by the method whose configuration it is.
    ///
    /// @param directory where relative paths of rewards and models start, usually that of the
    ///     configuration
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public <C extends Record & RunConfig> RunSummary train(C config, Path directory) {
        return train(Methods.of(given(config, "config")), config, directory);
    }

    /// Trains by a method, which may be one of your own.
    ///
    /// @param directory where relative paths of rewards and models start, usually that of the
    ///     configuration
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    public <C extends Record & RunConfig> RunSummary train(
            TrainingMethod<C, ?> method, C config, Path directory) {
        given(method, "method");
        given(directory, "directory");
        return train(method, config, around -> method.train(around, config, directory));
    }

    /// Group-relative policy optimisation with reward functions of your own in place of
    /// `reward_funcs`.
    ///
    /// @param rewards those that are [AutoCloseable] are closed at the end
    public RunSummary grpo(GrpoConfig config, List<WeightedReward> rewards) {
        List<Object> funcs = List.copyOf(givenAll(rewards, "rewards"));
        return train(given(config, "config").withRewards(r -> r.withRewardFuncs(funcs)));
    }

    /// Group-relative policy optimisation with a scorer of completions in place of `reward_funcs`.
    public RunSummary grpo(GrpoConfig config, CompletionScorer rewards) {
        return train(
                new GrpoMethod(),
                given(config, "config")
                        .withRewards(r -> r.withRewardFuncs(JUDGE).withRewardWeights(List.of())),
                Judging.of(given(rewards, "rewards")));
    }

    /// Proximal policy optimisation with reward functions of your own in place of `reward_funcs`;
    /// a model of `reward_model_path` judges beside them.
    ///
    /// @param rewards those that are [AutoCloseable] are closed at the end
    public RunSummary ppo(PpoConfig config, List<WeightedReward> rewards) {
        List<Object> funcs = List.copyOf(givenAll(rewards, "rewards"));
        return train(given(config, "config").withRewards(r -> r.withRewardFuncs(funcs)));
    }

    /// Proximal policy optimisation with a scorer of completions in place of `reward_funcs`.
    ///
    /// @throws ConfigException if `reward_model_path` names another judge
    public RunSummary ppo(PpoConfig config, CompletionScorer rewards) {
        given(config, "config")
                .rewardModelPath()
                .ifPresent(
                        path -> {
                            throw new ConfigException(
                                    "reward_model_path is %s, but the judge given scores alone; leave it out"
                                            .formatted(path));
                        });
        return train(
                new PpoMethod(),
                config.withRewards(r -> r.withRewardFuncs(JUDGE).withRewardWeights(List.of())),
                Judging.of(given(rewards, "rewards")));
    }

    private <C extends Record & RolloutRun> RunSummary train(
            RolloutMethod<C> method, C config, Judging judging) {
        return train(method, config, around -> method.train(around, config, Path.of(""), judging));
    }

    private <C extends Record & RunConfig> RunSummary train(
            TrainingMethod<C, ?> method, C config, Function<Surroundings, RunSummary> training) {
        given(config, "config");
        if (files.isEmpty() || !ranks.writes()) {
            return training.apply(surroundings(listeners));
        }
        return files.get()
                .write(method, config, listeners, all -> training.apply(surroundings(all)));
    }

    private Surroundings surroundings(List<TrainingListener> all) {
        return new Surroundings(hub, all, stop, Passes.plain(), ranks);
    }
}
