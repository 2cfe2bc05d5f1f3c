package org.attune.trainers.onpolicy;

import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.trainers.examples.PromptExample;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Writes rounds that end with their longest completion.
///
/// @param rounds completes prompts and has the completions judged
/// @param measure by the policy
/// @param policy that writes
/// @param request for log-probabilities as the loss compares them; empty: it has no ratio
/// @param plan says which prompts a round has
/// @param prompts the data
/// @param generations completions of each
record WholeRounds(
        Rounds rounds,
        CompletionMeasure measure,
        Scorer policy,
        Optional<HeadRequest> request,
        RoundPlan plan,
        List<PromptExample> prompts,
        int generations)
        implements RoundWriter {
    @Override
    public int together() {
        return 1;
    }

    /// Completes the prompts of a round and keeps the policy's log-probabilities of completions.
    @Override
    public List<WrittenRound> write(long number, byte[] left) {
        int[] indices = plan.promptsOf(number);
        byte[] judged = rounds.written(number, indices, prompts, generations);
        return List.of(
                new WrittenRound(
                        number,
                        indices,
                        judged,
                        request.map(r -> old(indices, judged, r)),
                        Map.of(),
                        new byte[0]));
    }

    private float[][] old(int[] indices, byte[] judged, HeadRequest logProbs) {
        return measure.of(read(indices, judged).rows(), policy, logProbs, "old").stream()
                .map(Measurement::tokenLogProbs)
                .toArray(float[][]::new);
    }

    private JudgedCompletions read(int[] indices, byte[] judged) {
        return rounds.read(judged, indices, prompts, generations);
    }

    @Override
    public JudgedCompletions judged(WrittenRound round) {
        return rounds.joined(read(round.prompts(), round.judged()));
    }
}
