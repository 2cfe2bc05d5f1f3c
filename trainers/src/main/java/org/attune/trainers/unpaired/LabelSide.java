package org.attune.trainers.unpaired;

import org.attune.checkpoint.RunState;
import org.attune.trainers.loop.MetricKeys;

import java.util.LinkedHashMap;
import java.util.Map;

/// Sums over the completions of a micro-batch that have one label.
final class LabelSide {
    private final Names names;
    private int rows;
    private double rewards;
    private double logProbs;
    private double logits;
    private long logitCount;

    private record Names(String rewards, String logProbs, String logits) {}

    private LabelSide(String rewards, String logProbs, String logits) {
        names = new Names(rewards, logProbs, logits);
    }

    static LabelSide chosen() {
        return new LabelSide(
                MetricKeys.REWARDS_CHOSEN, MetricKeys.LOGPS_CHOSEN, MetricKeys.LOGITS_CHOSEN);
    }

    static LabelSide rejected() {
        return new LabelSide(
                MetricKeys.REWARDS_REJECTED, MetricKeys.LOGPS_REJECTED, MetricKeys.LOGITS_REJECTED);
    }

    /// Adds a completion.
    void add(double reward, double logProb) {
        rows++;
        rewards += reward;
        logProbs += logProb;
    }

    /// Adds logits.
    ///
    /// @param count how many values `sum` is of
    void addLogits(double sum, int count) {
        logits += sum;
        logitCount += count;
    }

    /// Whether a row has the label.
    boolean isPresent() {
        return rows > 0;
    }

    /// The sums by TRL's names; nothing of a label that no row has.
    Map<String, RunState.Mean> sums() {
        var sums = new LinkedHashMap<String, RunState.Mean>();
        put(sums, names.rewards(), rewards, rows);
        put(sums, names.logProbs(), logProbs, rows);
        put(sums, names.logits(), logits, logitCount);
        return sums;
    }

    private static void put(Map<String, RunState.Mean> sums, String key, double sum, long count) {
        if (count > 0) {
            sums.put(key, new RunState.Mean(sum, count));
        }
    }
}
