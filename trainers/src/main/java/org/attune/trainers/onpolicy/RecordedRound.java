package org.attune.trainers.onpolicy;

import org.attune.reward.RewardTable;
import org.attune.rollout.source.RecordedCompletion;
import org.attune.rollout.source.RolloutRecorder;
import org.attune.trainers.config.Resume;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// A judged round as lines of a file, to be replayed.
public final class RecordedRound {
    private RecordedRound() {}

    /// Writes the rounds of a run, if it is to be recorded.
    public static Optional<RolloutRecorder> recorder(GeneratingRun run) {
        boolean resumes = !(run.training().save().resume() instanceof Resume.No);
        return run.rollouts().recordRollouts().map(file -> new RolloutRecorder(file, resumes));
    }

    /// @param number of the round
    /// @param order in which it is used: the completion that is used first, first
    /// @param isPolicys whether the policy itself wrote it
    public static List<RecordedCompletion> of(
            long number, JudgedCompletions judged, int[] order, boolean isPolicys) {
        RewardTable table = judged.table().rewards();
        int[] places = new int[order.length];
        for (int place = 0; place < order.length; place++) {
            places[order[place]] = place;
        }
        List<RecordedCompletion> recorded = new ArrayList<>();
        for (int i = 0; i < order.length; i++) {
            Map<String, Double> rewards = new LinkedHashMap<>();
            Map<String, Double> weights = new LinkedHashMap<>();
            for (int f = 0; f < table.names().size(); f++) {
                rewards.put(table.names().get(f), table.values()[i][f]);
                weights.put(table.names().get(f), table.weights()[f]);
            }
            recorded.add(
                    new RecordedCompletion(
                            number,
                            judged.rows().get(i).prompt(),
                            judged.sampled().get(i),
                            rewards,
                            weights,
                            OptionalInt.of(places[i]),
                            isPolicys));
        }
        return recorded;
    }
}
