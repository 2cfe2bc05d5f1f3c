package org.attune.agents.loop;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolSet;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.text.parse.ParsedTurn;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// What is around the policy in one episode: the run's tools and an environment with its own.
final class EpisodeWorld implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EpisodeWorld.class);

    private final List<ToolSet> sets;
    private final Optional<Environment> environment;
    private final String name;

    /// @param name of the environment
    EpisodeWorld(List<ToolSet> sets, Optional<Environment> environment, String name) {
        this.sets = List.copyOf(sets);
        this.environment = environment;
        this.name = name;
    }

    boolean hasEnvironment() {
        return environment.isPresent();
    }

    Opening reset(EpisodeStart start) throws Exception {
        return environment.isPresent() ? environment.get().reset(start) : Opening.NOTHING;
    }

    /// The run's tools, then the environment's.
    List<Tool> tools() {
        List<Tool> tools = new ArrayList<>();
        sets.forEach(set -> tools.addAll(set.tools()));
        environment.ifPresent(e -> tools.addAll(e.tools()));
        return tools;
    }

    List<String> roles() {
        return environment.map(Environment::roles).orElse(List.of());
    }

    String systemPrompt(String role) {
        return environment.map(e -> e.systemPrompt(role)).orElse("");
    }

    Map<String, Double> rolesRewards(Episode episode) throws Exception {
        return environment.isPresent() ? environment.get().rewards(episode) : Map.of();
    }

    String name() {
        return name;
    }

    Step step(ParsedTurn turn, int index) throws Exception {
        return environment.isPresent() ? environment.get().step(turn, index) : Step.END;
    }

    Map<String, OptionalDouble> rewards(Episode episode) throws Exception {
        return environment.isPresent() ? Map.of(name, environment.get().reward(episode)) : Map.of();
    }

    Map<String, Object> state() {
        return environment.map(Environment::state).orElse(Map.of());
    }

    /// Closes all of it; what fails is logged, since the episode has ended.
    @Override
    public void close() {
        environment.ifPresent(
                e -> {
                    try {
                        e.close();
                    } catch (IOException | RuntimeException failure) {
                        LOG.warn("environment {} failed while it was closed", name, failure);
                    }
                });
        for (ToolSet set : sets) {
            try {
                set.close();
            } catch (RuntimeException failure) {
                LOG.warn("tools failed while they were closed", failure);
            }
        }
    }
}
