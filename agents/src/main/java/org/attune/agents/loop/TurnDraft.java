package org.attune.agents.loop;

import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.rollout.SampledTurn;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;

import java.util.List;
import java.util.Optional;

/// A turn to which the world has not answered yet.
final class TurnDraft {
    private static final int[] NOTHING = {};

    final SampledTurn sampled;
    final ParsedTurn parsed;
    List<ToolOutcome> outcomes = List.of();
    List<Message> answers = List.of();
    int[] observation = NOTHING;
    double reward;
    Optional<int[]> context = Optional.empty();
    String role = "";
    int conversation;
    String nextRole = ""; // who reads the answers; empty: who spoke
    boolean isNextAnew;

    TurnDraft(SampledTurn sampled, ParsedTurn parsed) {
        this.sampled = sampled;
        this.parsed = parsed;
    }

    boolean isFinished() {
        return sampled.reason().isFinished();
    }

    /// Marks all calls of the turn as not run.
    void leaveCalls() {
        outcomes = notRun(0);
    }

    /// Outcomes of the calls from one on, which weren't run.
    List<ToolOutcome> notRun(int from) {
        return parsed.calls().stream()
                .skip(from)
                .map(call -> new ToolOutcome(call, ToolOutcome.Kind.NOT_RUN, "", 0))
                .toList();
    }

    /// Takes back what the policy doesn't come to read.
    void dropAnswers() {
        answers = List.of();
        observation = NOTHING;
    }

    Turn turn() {
        return new Turn(
                sampled.ids(),
                sampled.logProbs(),
                isFinished(),
                Optional.of(parsed),
                outcomes,
                answers,
                observation,
                reward,
                context,
                role,
                conversation);
    }
}
