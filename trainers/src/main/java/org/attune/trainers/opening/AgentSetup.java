package org.attune.trainers.opening;

import org.attune.agents.gateway.AgentHost;
import org.attune.agents.gateway.AgentProgram;
import org.attune.agents.loop.EpisodeRun;
import org.attune.agents.loop.EpisodeSource;
import org.attune.agents.loop.Worlds;
import org.attune.agents.record.RecordedAnswers;
import org.attune.agents.record.RecordedWorld;
import org.attune.agents.spec.AgentEntry;
import org.attune.agents.spec.RunTools;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolCaller;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.error.ConfigException;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.trainers.onpolicy.AgentConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The tools and environments of a run, and what calls them, or the program that leads its
/// episodes. Owns them.
final class AgentSetup implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AgentSetup.class);

    private final AgentConfig agent;
    private final boolean tellsRoles;
    private final RunTools tools;
    private final ToolCaller caller = new ToolCaller();

    private final Optional<AgentHost> host;

    private AgentSetup(
            AgentConfig agent, boolean tellsRoles, RunTools tools, Optional<AgentHost> host) {
        this.agent = agent;
        this.tellsRoles = tellsRoles;
        this.host = host;
        this.tools = tools;
    }

    /// @param tellsRoles whether the run tells rewards of an environment's roles apart
    /// @param directory where relative paths start
    /// @throws ConfigException with the problems of all entries
    static AgentSetup open(AgentConfig agent, boolean tellsRoles, Path directory) {
        if (!agent.agent().isEmpty()) {
            return new AgentSetup(
                    agent, tellsRoles, RunTools.NONE, Optional.of(host(agent, directory)));
        }
        RunTools live = RunTools.parse(agent.tools(), agent.environments(), directory);
        if (agent.world().recordedWorld().isEmpty()) {
            return new AgentSetup(agent, tellsRoles, live, Optional.empty());
        }
        try {
            Path file = agent.world().recordedWorld().get();
            RecordedAnswers answers = RecordedAnswers.read(file);
            LOG.info("{} recorded answers of tools are in {}", answers.size(), file);
            var world = new RecordedWorld(answers, agent.world().recordedWorldMiss());
            return new AgentSetup(agent, tellsRoles, world.over(live), Optional.empty());
        } catch (RuntimeException e) {
            live.close();
            throw e;
        }
    }

    private static AgentHost host(AgentConfig agent, Path directory) {
        AgentProgram program = AgentEntry.parse(agent.agent(), directory);
        try {
            return AgentHost.open(program);
        } catch (IOException e) {
            throw new ConfigException(
                    "'agent' needs a port of this machine's loopback address: " + e.getMessage(),
                    e);
        }
    }

    /// The tools that every prompt shows, as chat templates take them. Those of environments are
    /// known when an episode begins.
    static List<Object> offered(AgentConfig agent, Path directory) {
        try (AgentSetup setup = open(agent, false, directory)) {
            return setup.offered();
        }
    }

    private List<Object> offered() {
        var start = new EpisodeStart(new EpisodeId(-1, 0), Map.of(), 0, 0, 0);
        List<Tool> all = new ArrayList<>();
        for (ToolSetFactory factory : tools.tools()) {
            try (ToolSet set = factory.open(start)) {
                all.addAll(set.tools());
            } catch (ConfigException e) {
                throw e;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ConfigException("interrupted while tools were opened", e);
            } catch (Exception e) {
                throw new ConfigException("tools can't be opened: " + e, e);
            }
        }
        caller.check(all);
        List<Object> shown = new ArrayList<>();
        all.forEach(tool -> shown.add(tool.spec().asTemplateValue()));
        return shown;
    }

    /// Episodes of a model.
    ///
    /// @param text how the model is told
    /// @param context positions of the model
    /// @param generator over the model's weights
    /// @param heldOut the same for evaluations
    /// @param sampling in training
    /// @param heldOutSampling in evaluations
    /// @param part which episodes of a prompt are its
    RolloutSource source(
            AgentText text,
            int context,
            Generator generator,
            Generator heldOut,
            SamplingConfig sampling,
            SamplingConfig heldOutSampling,
            EpisodeSource.Part part) {
        var run =
                new EpisodeRun(
                        host.map(Worlds::of)
                                .orElseGet(() -> new Worlds(tools.tools(), tools.environments())),
                        text.format(sampling.stopIds()),
                        agent.episodes(tellsRoles),
                        caller,
                        sampling.maxNewTokens(),
                        context);
        return new EpisodeSource(run, generator, heldOut, sampling, heldOutSampling, part);
    }

    @Override
    public void close() {
        caller.close();
        host.ifPresent(AgentHost::close);
        tools.close();
    }
}
