package org.attune.episode;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;

import java.util.List;
import java.util.Optional;

/// One turn of the policy, and what the world answered. A named tuple: equality is identity of the
/// arrays.
///
/// @param ids sampled tokens, the end token included
/// @param logProbs natural log-probability of each under the sampler
/// @param isFinished whether the model ended the turn itself, and no limit did
/// @param parsed what the turn says; empty if nothing of it was kept
/// @param outcomes of its calls, in the order of the calls
/// @param answers messages of tools or the environment, as the model reads them
/// @param observation tokens of the answers and of the next turn's header; empty at the end
/// @param reward of this turn, 0 where it got none
/// @param context all tokens that it follows, where history was rendered anew and doesn't begin
///     with the tokens so far, or where another conversation of the episode goes on; empty where
///     it follows these
/// @param role who speaks, where an environment has several roles; else empty
/// @param conversation which conversation of the episode it belongs to, from 0, in the order in
///     which they began; each is of one role
@Api(STABLE)
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record Turn(
        int[] ids,
        float[] logProbs,
        boolean isFinished,
        Optional<ParsedTurn> parsed,
        List<ToolOutcome> outcomes,
        List<Message> answers,
        int[] observation,
        double reward,
        Optional<int[]> context,
        String role,
        int conversation) {
    public Turn {
        outcomes = List.copyOf(outcomes);
        answers = List.copyOf(answers);
        if (logProbs.length != ids.length) {
            throw new IllegalArgumentException(
                    "%d tokens with %d log-probabilities".formatted(ids.length, logProbs.length));
        }
    }

    /// A turn in an episode of one conversation, without roles.
    public Turn(
            int[] ids,
            float[] logProbs,
            boolean isFinished,
            Optional<ParsedTurn> parsed,
            List<ToolOutcome> outcomes,
            List<Message> answers,
            int[] observation,
            double reward,
            Optional<int[]> context) {
        this(
                ids,
                logProbs,
                isFinished,
                parsed,
                outcomes,
                answers,
                observation,
                reward,
                context,
                "",
                0);
    }

    /// The turn with another reward.
    public Turn withReward(double other) {
        return new Turn(
                ids,
                logProbs,
                isFinished,
                parsed,
                outcomes,
                answers,
                observation,
                other,
                context,
                role,
                conversation);
    }

    /// A turn that follows the tokens so far.
    public Turn(
            int[] ids,
            float[] logProbs,
            boolean isFinished,
            Optional<ParsedTurn> parsed,
            List<ToolOutcome> outcomes,
            List<Message> answers,
            int[] observation,
            double reward) {
        this(
                ids,
                logProbs,
                isFinished,
                parsed,
                outcomes,
                answers,
                observation,
                reward,
                Optional.empty());
    }
}
