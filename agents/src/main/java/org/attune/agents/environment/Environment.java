package org.attune.agents.environment;

import static org.attune.api.Api.Status.STABLE;

import org.attune.agents.tool.AnnotatedTools;
import org.attune.agents.tool.Tool;
import org.attune.api.Api;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.text.parse.ParsedTurn;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// The world of one episode: made for it, closed after it, never used twice. Its methods are called
/// one after the other, on threads that may wait, except that the calls of one turn may run at the
/// same time.
@Api(STABLE)
public interface Environment extends AutoCloseable {
    /// Begins the episode.
    ///
    /// @throws Exception if the world failed
    Opening reset(EpisodeStart start) throws Exception;

    /// Tools of this environment, after those of the run, in the order in which a prompt shows
    /// them. Asked for once, after [#reset]. The default are its methods that are marked with
    /// [org.attune.agents.tool.ToolMethod], by name.
    default List<Tool> tools() {
        return AnnotatedTools.of(this);
    }

    /// Roles that speak in this world, each in separate conversations; the first one begins.
    /// Asked for once, after [#reset]. The default is none: one speaker, without a name.
    default List<String> roles() {
        return List.of();
    }

    /// The system prompt under which a role speaks; empty for none. A prompt's own system message
    /// stands before it.
    default String systemPrompt(String role) {
        return "";
    }

    /// Answers a turn that calls no tool. The default ends the episode.
    ///
    /// @param turn what the model wrote
    /// @param index of the turn, from 0
    default Step step(ParsedTurn turn, int index) throws Exception {
        return Step.END;
    }

    /// The reward that this environment gives the whole episode.
    ///
    /// @param episode that has ended
    default OptionalDouble reward(Episode episode) throws Exception {
        return OptionalDouble.empty();
    }

    /// What each role gets for the whole episode, beside the rewards of its turns; finite. A role
    /// without an entry gets 0. What [#reward] gives counts for every role.
    ///
    /// @param episode that has ended
    default Map<String, Double> rewards(Episode episode) throws Exception {
        return Map.of();
    }

    /// What is worth keeping of its state at the end, JSON values: reward functions and records see
    /// it.
    default Map<String, Object> state() {
        return Map.of();
    }

    /// @throws IOException if the world failed; it is logged, since the episode has ended
    @Override
    default void close() throws IOException {}
}
