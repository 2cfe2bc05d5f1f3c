package org.attune.trainers.onpolicy;

import jakarta.validation.Valid;

import org.attune.agents.loop.EpisodeConfig;
import org.attune.agents.loop.Pace;
import org.attune.agents.record.Miss;
import org.attune.records.CopyMethods;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Tools and environments of a run, whose completions are episodes of many turns then.
///
/// @param tools that every episode may call: names, `.java` files, `class:NAME`, maps
/// @param environments by name; a row names its own in the column `environment`
/// @param agent a program that leads the episodes, with its `command`, and brings its tools itself
/// @param chatTemplateKwargs further variables of the chat template; those of a row's own column go
///     first, which episodes refuse
/// @param budget how long an episode may go on
/// @param play how episodes are run
/// @param world whether tools answer as recorded
@CopyMethods
public record AgentConfig(
        List<Object> tools,
        Map<String, Object> environments,
        Map<String, Object> agent,
        Map<String, Object> chatTemplateKwargs,
        @Valid EpisodeBudgetConfig budget,
        @Valid EpisodePlayConfig play,
        @Valid RecordedWorldConfig world)
        implements AgentConfigCopies, CrossChecked {
    public AgentConfig {
        tools = List.copyOf(tools);
        environments = Collections.unmodifiableMap(new LinkedHashMap<>(environments));
        agent = Collections.unmodifiableMap(new LinkedHashMap<>(agent));
        chatTemplateKwargs = Collections.unmodifiableMap(new LinkedHashMap<>(chatTemplateKwargs));
    }

    /// No tools, no environments and no agent.
    public static AgentConfig defaults() {
        return AgentConfigCopies.blank();
    }

    /// Whether completions are episodes.
    public boolean isOn() {
        return !tools.isEmpty() || !environments.isEmpty() || !agent.isEmpty();
    }

    /// Whether a completion isn't trained because of how its episode ended.
    public boolean masks(SampledCompletion completion) {
        return completion.episode().filter(e -> play.maskEnded().contains(e.end())).isPresent();
    }

    /// Tokens of a completion that aren't learned: those that aren't the model's own, or all.
    public BitSet unlearned(SampledCompletion completion) {
        var unlearned = (BitSet) completion.foreign().clone();
        if (masks(completion)) {
            unlearned.set(0, completion.ids().length);
        }
        return unlearned;
    }

    /// How episodes are run, as the loop takes it.
    ///
    /// @param roles whether the run tells rewards of several roles apart
    public EpisodeConfig episodes(boolean roles) {
        return new EpisodeConfig(
                budget.limits(play.trlCompat()),
                play.history(),
                play.maxToolCallingIterations(),
                play.episodeRetries(),
                play.maxFailedEpisodes(),
                play.episodesInFlight(),
                new Pace(play.toolSteps(), true),
                roles,
                play.trlCompat());
    }

    /// Settings of episodes where there are none would say nothing.
    @Override
    public List<ConfigProblem> crossFieldProblems() {
        if (!agent.isEmpty()) {
            return besideAgent();
        }
        if (isOn()) {
            return world.recordedWorld().isEmpty() && world.recordedWorldMiss() != Miss.LIVE
                    ? List.of(
                            new ConfigProblem(
                                    "recorded_world_miss",
                                    world.recordedWorldMiss(),
                                    "unset without recorded_world"))
                    : List.of();
        }
        EpisodePlayConfig standard = EpisodePlayConfig.defaults();
        List<ConfigProblem> problems = new ArrayList<>();
        budget.given().forEach((key, value) -> problems.add(unneeded(key, value)));
        play.given(standard).forEach((key, value) -> problems.add(unneeded(key, value)));
        world.given().forEach((key, value) -> problems.add(unneeded(key, value)));
        return problems;
    }

    /// A program runs its tools itself.
    private List<ConfigProblem> besideAgent() {
        Map<String, Object> given = new LinkedHashMap<>();
        if (!tools.isEmpty()) {
            given.put("tools", tools);
        }
        if (!environments.isEmpty()) {
            given.put("environments", environments);
        }
        given.putAll(budget.ofTools());
        given.putAll(world.given());
        play.maxToolCallingIterations().ifPresent(v -> given.put("max_tool_calling_iterations", v));
        List<ConfigProblem> problems = new ArrayList<>();
        given.forEach(
                (key, value) ->
                        problems.add(
                                new ConfigProblem(
                                        key,
                                        value,
                                        "unset with agent, whose program brings its tools and runs"
                                                + " them itself")));
        return problems;
    }

    private static ConfigProblem unneeded(String key, Object value) {
        return new ConfigProblem(
                key, value, "unset where a run names neither tools nor environments nor an agent");
    }
}
