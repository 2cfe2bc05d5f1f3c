package org.attune.agents.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.EnvironmentFactory;
import org.attune.agents.gateway.AgentHost;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.api.Api;
import org.attune.episode.EpisodeStart;
import org.attune.error.ConfigException;
import org.attune.error.RolloutException;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Opens the world of each episode.
///
/// @param tools of all episodes, in the order in which prompts show them
/// @param environments by name; a row names its own in the column `environment`, and need not if
///     there is one only. None: episodes have no environment
/// @param agent a program that leads the episodes and brings its tools itself; then there are no
///     others
@Api(EXPERIMENTAL)
public record Worlds(
        List<ToolSetFactory> tools,
        Map<String, EnvironmentFactory> environments,
        Optional<AgentHost> agent) {
    /// The column that names a row's environment.
    public static final String COLUMN = "environment";

    /// No tools and no environments.
    public static final Worlds NONE = new Worlds(List.of(), Map.of());

    public Worlds {
        if (agent.isPresent() && !(tools.isEmpty() && environments.isEmpty())) {
            throw new ConfigException(
                    "an agent's program brings its own tools and world; leave out tools and"
                            + " environments, or the agent");
        }
        tools = List.copyOf(tools);
        environments = Collections.unmodifiableMap(new LinkedHashMap<>(environments));
    }

    /// Worlds without a program that leads the episodes.
    public Worlds(List<ToolSetFactory> tools, Map<String, EnvironmentFactory> environments) {
        this(tools, environments, Optional.empty());
    }

    /// Episodes that an agent's program leads.
    ///
    /// @param agent borrowed
    public static Worlds of(AgentHost agent) {
        return new Worlds(List.of(), Map.of(), Optional.of(agent));
    }

    /// Whether there is nothing to open.
    public boolean isEmpty() {
        return tools.isEmpty() && environments.isEmpty() && agent.isEmpty();
    }

    /// The name of a row's environment; empty if there are none.
    ///
    /// @throws RolloutException if the row doesn't say which
    public Optional<String> environment(Map<String, Object> row) {
        if (environments.isEmpty()) {
            return Optional.empty();
        }
        Object named = row.get(COLUMN);
        if (named == null && environments.size() == 1) {
            return Optional.of(environments.keySet().iterator().next());
        }
        if (!(named instanceof String name) || !environments.containsKey(name)) {
            throw new RolloutException(
                    "a row's column \"%s\" is %s; accepted: %s"
                            .formatted(COLUMN, named, String.join(", ", environments.keySet())));
        }
        return Optional.of(name);
    }

    /// @throws Exception if the world failed
    EpisodeWorld open(EpisodeStart start) throws Exception {
        Optional<String> name = environment(start.row());
        List<ToolSet> sets = new ArrayList<>();
        try {
            for (ToolSetFactory factory : tools) {
                sets.add(factory.open(start));
            }
            Optional<Environment> environment = Optional.empty();
            if (name.isPresent()) {
                environment = Optional.of(environments.get(name.get()).make());
            }
            return new EpisodeWorld(sets, environment, name.orElse(""));
        } catch (Exception e) {
            new EpisodeWorld(sets, Optional.empty(), "").close();
            throw e;
        }
    }
}
