package org.attune.trainers.onpolicy;

import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.trainers.examples.PromptExample;

import java.util.List;
import java.util.Optional;

/// Writes rounds ahead with the policy as it is, and reads what was written.
///
/// @param rounds completes prompts and has the completions judged
/// @param measure by the policy
/// @param policy that writes
/// @param request for log-probabilities as the loss compares them; empty: it has no ratio
/// @param plan says which prompts a round has
/// @param prompts the data
/// @param generations completions of each
record RoundWriter(
        Rounds rounds,
        CompletionMeasure measure,
        Scorer policy,
        Optional<HeadRequest> request,
        RoundPlan plan,
        List<PromptExample> prompts,
        int generations) {
    /// Completes the prompts of a round and keeps the policy's log-probabilities of completions.
    ///
    /// @param number of the round
    WrittenRound write(long number) {
        byte[] judged = rounds.written(number, plan.promptsOf(number), prompts, generations);
        return new WrittenRound(number, judged, request.map(r -> old(number, judged, r)));
    }

    private float[][] old(long number, byte[] judged, HeadRequest logProbs) {
        return measure.of(read(number, judged).rows(), policy, logProbs, "old").stream()
                .map(Measurement::tokenLogProbs)
                .toArray(float[][]::new);
    }

    private JudgedCompletions read(long number, byte[] judged) {
        return rounds.read(judged, plan.promptsOf(number), prompts, generations);
    }

    /// A round's completions, as if they had just been completed.
    JudgedCompletions judged(WrittenRound round) {
        return rounds.joined(read(round.number(), round.judged()));
    }
}
