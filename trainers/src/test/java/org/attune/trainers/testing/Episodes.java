package org.attune.trainers.testing;

import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// Puts episodes for tests together, turn by turn.
public final class Episodes {
    private final int[] prompt;
    private final List<Turn> turns = new ArrayList<>();
    private final Map<String, OptionalDouble> rewards = new LinkedHashMap<>();

    private Episodes(int[] prompt) {
        this.prompt = prompt;
    }

    public static Episodes of(int... prompt) {
        return new Episodes(prompt);
    }

    /// A turn that calls a tool.
    ///
    /// @param observation tokens of its answer
    public Episodes turn(int[] ids, int[] observation, String tool, String answer) {
        var call = new ToolCall(Optional.empty(), tool, Map.of(), "");
        return add(
                ids,
                observation,
                new ParsedTurn(Message.of("assistant", ""), List.of(call), List.of(), false),
                List.of(new ToolOutcome(call, ToolOutcome.Kind.OK, answer, 1_000_000)),
                List.of(Message.of("tool", answer)));
    }

    /// A turn that answers.
    public Episodes turn(int[] ids, String answer) {
        return add(
                ids,
                new int[0],
                new ParsedTurn(Message.of("assistant", answer), List.of(), List.of(), false),
                List.of(),
                List.of());
    }

    private Episodes add(
            int[] ids,
            int[] observation,
            ParsedTurn parsed,
            List<ToolOutcome> outcomes,
            List<Message> answers) {
        turns.add(
                new Turn(
                        ids,
                        new float[ids.length],
                        true,
                        Optional.of(parsed),
                        outcomes,
                        answers,
                        observation,
                        0));
        return this;
    }

    /// With a reward of the turn added last.
    public Episodes worth(double reward) {
        Turn last = turns.removeLast();
        turns.add(
                new Turn(
                        last.ids(),
                        last.logProbs(),
                        last.isFinished(),
                        last.parsed(),
                        last.outcomes(),
                        last.answers(),
                        last.observation(),
                        reward));
        return this;
    }

    /// With the turn added last behind other tokens than those before it.
    public Episodes behind(int[] context) {
        Turn last = turns.removeLast();
        turns.add(
                new Turn(
                        last.ids(),
                        last.logProbs(),
                        last.isFinished(),
                        last.parsed(),
                        last.outcomes(),
                        last.answers(),
                        last.observation(),
                        last.reward(),
                        Optional.of(context)));
        return this;
    }

    /// With what an environment rewards.
    public Episodes reward(String name, double value) {
        rewards.put(name, OptionalDouble.of(value));
        return this;
    }

    public Episode ended(EndReason reason) {
        return new Episode(
                new EpisodeStart(new EpisodeId(0, 0), Map.of(), 7, 0, 0),
                List.of(Message.of("user", "q")),
                prompt,
                turns,
                reason,
                rewards,
                Map.of());
    }
}
