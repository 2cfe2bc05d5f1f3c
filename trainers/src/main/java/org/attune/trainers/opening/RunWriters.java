package org.attune.trainers.opening;

import org.attune.agents.loop.EpisodeSource;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.models.ModelSetup;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.constraint.Constraint;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.source.EngineRollouts;
import org.attune.trainers.onpolicy.GeneratingRun;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Makes the models of a run write: the policy, an opponent, a teacher. With tools or environments
/// all of them play episodes, in the same worlds. Owns these.
public final class RunWriters implements AutoCloseable {
    private final GeneratingRun config;
    private final ModelSetup model;
    private final Optional<AgentSetup> agent;

    private RunWriters(GeneratingRun config, ModelSetup model, Optional<AgentSetup> agent) {
        this.config = config;
        this.model = model;
        this.agent = agent;
    }

    /// @param model whose text is written; borrowed
    /// @param directory where relative paths of tools start
    /// @throws org.attune.error.ConfigException with what is wrong with tools and environments
    public static RunWriters open(GeneratingRun config, ModelSetup model, Path directory) {
        return new RunWriters(
                config,
                model,
                config.agent().isOn()
                        ? Optional.of(
                                AgentSetup.open(config.agent(), config.tellsRoles(), directory))
                        : Optional.empty());
    }

    /// Weights that write in this process.
    ///
    /// @param decoder borrowed
    /// @param adapter that it writes with
    public Generator generator(Decoder decoder, Adapter adapter) {
        var free =
                new Generator(
                        decoder,
                        adapter,
                        Optional.of(model.text().tokenizer()),
                        config.sampling().generationSlots());
        return config.sampling()
                .vllmStructuredOutputsRegex()
                .map(Constraint::regex)
                .map(regex -> free.constrained(regex, sampling().stopIds()))
                .orElse(free);
    }

    /// Completions by the run's own models: all of a prompt, or those that an opponent leaves.
    ///
    /// @param training for training prompts
    /// @param heldOut over the same weights
    public RolloutSource source(Generator training, Generator heldOut) {
        return source(training, heldOut, part(0));
    }

    /// Completions of training prompts by an opponent, whose draws are others than the policy's.
    public RolloutSource opponent(Generator generator) {
        return source(generator, generator, part(1));
    }

    private EpisodeSource.Part part(int member) {
        return new EpisodeSource.Part(
                member, config.hasOpponent() ? 2 : 1, config.training().seed());
    }

    private RolloutSource source(Generator training, Generator heldOut, EpisodeSource.Part part) {
        SamplingConfig sampling =
                sampling().withSeed(part.member() == 0 ? part.seed() : ~part.seed());
        SamplingConfig later = RolloutSetup.heldOut(config, sampling);
        return agent.<RolloutSource>map(
                        a ->
                                a.source(
                                        AgentText.of(config.agent(), model),
                                        model.source().config().maxPositionEmbeddings(),
                                        training,
                                        heldOut,
                                        sampling,
                                        later,
                                        part))
                .orElseGet(() -> new EngineRollouts(training, heldOut, sampling, later));
    }

    /// How completions, or the turns of episodes, are sampled.
    SamplingConfig sampling() {
        SamplingConfig sampling =
                RolloutSetup.sampling(
                                config.sampling(),
                                config.maxCompletionLength(),
                                config.stopIds(),
                                model,
                                config.training().seed())
                        .withReportsDrawable(config.keepsSamplingMask());
        if (agent.isEmpty()) {
            return sampling;
        }
        List<String> stops = new ArrayList<>(sampling.stopStrings());
        stops.addAll(AgentText.of(config.agent(), model).stops());
        return sampling.withStopStrings(stops);
    }

    @Override
    public void close() {
        agent.ifPresent(AgentSetup::close);
    }
}
