package org.attune.trainers.opening;

import org.attune.error.ConfigException;
import org.attune.model.decode.ForwardRecord;
import org.attune.model.layer.Decoder;
import org.attune.models.ModelSetup;
import org.attune.policy.Policy;
import org.attune.ranks.Collective;
import org.attune.reward.CompletionScorer;
import org.attune.reward.RewardLimits;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.generation.GenerationMemory;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.source.RecordedRollouts;
import org.attune.rollout.source.ServerRollouts;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.ResumePoint;
import org.attune.trainers.memory.KeptActivations;
import org.attune.trainers.memory.RolloutPlan;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.onpolicy.JudgedRun;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.onpolicy.RolloutSourceConfig;
import org.attune.trainers.onpolicy.Sampling;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// What a run with rollouts needs beside policy and data: how completions are sampled and judged.
public final class RolloutSetup {
    private RolloutSetup() {}

    /// The columns that the rewards of a run read; none where completions bring rewards along.
    ///
    /// @param directory where relative paths start
    /// @throws ConfigException with the problems of all entries
    public static ReadColumns rewardColumns(JudgedRun config, Path directory) {
        if (config.judges().isEmpty()) {
            return ReadColumns.NONE;
        }
        return RunRewards.columns(config, directory);
    }

    /// What the reward functions of a run may use.
    public static RewardLimits limits(JudgedRun config) {
        return RewardLimits.defaults()
                .withTimeout(Duration.ofMillis((long) (1000 * config.rewards().rewardTimeout())))
                .withParallelism(config.rewards().rewardParallelism());
    }

    /// Where completions come from: of training prompts as configured, of held-out prompts from the
    /// policy itself.
    ///
    /// @param record takes what the policy computes for training prompts; borrowed
    /// @param ranks processes of the run; borrowed
    /// @param directory where relative paths of tools start
    public static OpenSource source(
            GeneratingRun config,
            ModelSetup model,
            PolicySetup policy,
            Optional<ForwardRecord> record,
            Collective ranks,
            Path directory) {
        var writers = RunWriters.open(config, model, directory);
        try {
            Generator generator =
                    writers.generator(policy.decoder(), policy.policy().adapterInUse());
            RolloutSource engine =
                    writers.source(record.map(generator::recording).orElse(generator), generator);
            return config.rollouts().asksServers()
                    ? served(config, model, policy.policy(), ranks, writers, engine)
                    : source(config, writers, engine);
        } catch (RuntimeException e) {
            writers.close();
            throw e;
        }
    }

    /// @param engine of the policy itself
    private static OpenSource source(
            GeneratingRun config, RunWriters writers, RolloutSource engine) {
        Optional<Path> file = config.rollouts().recordedRollouts();
        if (file.isEmpty()) {
            return new OpenSource(engine, Optional.empty(), writers, Optional.empty());
        }
        SamplingConfig sampling = writers.sampling();
        var recorded =
                new RecordedRollouts(file.get(), sampling.maxNewTokens(), sampling.stopIds());
        if (!config.tellsRoles()) {
            recorded.requireOneSpeaker();
        }
        return new OpenSource(
                new SplitSource(recorded, engine),
                Optional.of(recorded),
                writers,
                Optional.empty());
    }

    /// @param engine of the policy itself
    private static OpenSource served(
            GeneratingRun config,
            ModelSetup model,
            Policy policy,
            Collective ranks,
            RunWriters writers,
            RolloutSource engine) {
        var servers =
                new ServerRollouts(
                        connection(config.rollouts(), config.model().modelNameOrPath()),
                        writers.sampling(),
                        model.text().tokenizer(),
                        WrittenWeights.of(config, model, policy, ranks));
        return new OpenSource(
                new SplitSource(servers, engine), Optional.empty(), writers, Optional.of(servers));
    }

    /// A source with what it holds. Owns that.
    ///
    /// @param rollouts the source
    /// @param recorded its file, if it reads one
    /// @param writers what makes other models write in the same worlds
    /// @param servers that complete the prompts, if any do
    public record OpenSource(
            RolloutSource rollouts,
            Optional<RecordedRollouts> recorded,
            RunWriters writers,
            Optional<ServerRollouts> servers)
            implements AutoCloseable {
        @Override
        public void close() {
            servers.ifPresent(ServerRollouts::close);
            writers.close();
        }

        /// The rewards that the file holds.
        ///
        /// @throws ConfigException if it holds none, or not as many as there are weights
        public CompletionScorer rewards(RolloutRun config) {
            return RecordedScores.of(
                    recorded.orElseThrow(),
                    config.rollouts().recordedRollouts().orElseThrow(),
                    config.rewards().rewardWeights());
        }
    }

    /// The servers that a run names.
    ///
    /// @param model its name there, unless the run gives another
    public static ServerRollouts.Connection connection(RolloutSourceConfig from, String model) {
        return new ServerRollouts.Connection(
                from.rolloutServerBaseUrl(),
                from.rolloutServerModel().orElse(model),
                Duration.ofMillis((long) Math.ceil(1000 * from.rolloutServerTimeout())),
                from.rolloutServerConcurrency(),
                Optional.ofNullable(System.getenv(ServerRollouts.KEY_VARIABLE)),
                Duration.ofSeconds(1));
    }

    /// What the policy itself is to generate; empty if nothing.
    ///
    /// @param sequences completions that training asks for at a time
    public static Optional<RolloutPlan.Wish> wish(
            GeneratingRun config, PolicySetup policy, RunRows<PromptExample> rows, int sequences) {
        boolean others = config.rollouts().isElsewhere();
        List<PromptExample> prompts =
                new ArrayList<>(others ? List.of() : RowStream.known(rows.train()));
        int most = others ? 0 : sequences;
        for (EvalSet<PromptExample> set : rows.evalSets()) {
            prompts.addAll(set.rows());
            int generations = config.heldOut().generations(config);
            most = Math.max(most, Math.multiplyExact(set.rows().size(), generations));
        }
        if (prompts.isEmpty() || most == 0) {
            return Optional.empty();
        }
        int longest = prompts.stream().mapToInt(PromptExample::longest).max().orElseThrow();
        int devices = config.training().batch().devices();
        return Optional.of(
                wish(config, policy.decoder(), longest, most)
                        .ofPlaces(config.lag().places(sequences, devices)));
    }

    /// What a model is to generate.
    ///
    /// @param longest tokens of the longest prompt
    /// @param most completions that are asked for at a time, ≥ 1
    public static RolloutPlan.Wish wish(
            GeneratingRun config, Decoder decoder, int longest, int most) {
        int before =
                ResumePoint.glance(config.training().save())
                        .map(ResumePoint::generationSlots)
                        .orElse(OptionalInt.empty())
                        .orElse(Integer.MAX_VALUE);
        return new RolloutPlan.Wish(
                GenerationMemory.of(decoder, longest, config.maxCompletionLength()),
                Math.min(config.sampling().generationSlots(), before),
                most,
                KeptActivations.Wish.NOTHING);
    }

    /// How held-out prompts are completed.
    static SamplingConfig heldOut(GeneratingRun config, SamplingConfig sampling) {
        double temperature = config.heldOut().temperature(config);
        return sampling.withReportsDrawable(false)
                .withDistribution(sampling.distribution().withTemperature(temperature));
    }

    /// How completions are sampled.
    ///
    /// @param most tokens of a completion
    /// @param stopIds tokens that end a completion; empty: those that the model names
    public static SamplingConfig sampling(
            Sampling sampling,
            int most,
            Optional<Set<Integer>> stopIds,
            ModelSetup model,
            long seed) {
        return SamplingConfig.of(
                        distribution(sampling),
                        most,
                        stopIds.orElseGet(
                                () ->
                                        TextCompleter.stopIds(
                                                model.source(), model.text().tokenizer())),
                        seed)
                .withMinNewTokens(minimum(sampling))
                .withStopStrings(stops(sampling));
    }

    private static Distribution distribution(Sampling s) {
        Map<String, Object> more = s.generationKwargs();
        return new Distribution(
                s.repetitionPenalty(),
                number(more, "presence_penalty", 0),
                number(more, "frequency_penalty", 0),
                s.temperature(),
                s.topK(),
                s.topP(),
                s.minP().orElse(0),
                number(more, "typical_p", 1));
    }

    private static int minimum(Sampling s) {
        return (int) number(s.generationKwargs(), "min_new_tokens", 0);
    }

    private static List<String> stops(Sampling s) {
        Object stops = s.generationKwargs().get("stop_strings");
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
