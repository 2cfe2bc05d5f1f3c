package org.attune.trainers.online;

import org.attune.trainers.loop.MetricKeys;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Online direct preference optimisation: the better completion becomes likelier than the other.
///
/// @param loss of the difference of log-ratios
/// @param beta β, for metrics; > 0
record PairObjective(OnlinePairLoss loss, double beta) implements OnlineObjective {
    @Override
    public List<LearnedCompletion> learned(JudgedPair pair) {
        return pair.ranked();
    }

    /// TRL's metrics. Sums over a completion's tokens, where TRL's `objective/*` also have those of
    /// padding.
    @Override
    public Result of(JudgedPair pair, List<double[]> policy, List<double[]> reference) {
        Ranked ranked = ranked(policy, reference);
        double chosen = Math.max(pair.firstReward(), pair.secondReward());
        double rejected = Math.min(pair.firstReward(), pair.secondReward());
        double score = (chosen + rejected) / 2;
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("objective/scores_margin", chosen - rejected);
        metrics.put("objective/scores", score);
        metrics.put("val/contain_eos_token", pair.endedShare());
        metrics.put("objective/non_score_reward", -beta * ranked.kl());
        metrics.put("objective/rlhf_reward", score - beta * ranked.kl());
        metrics.putAll(ranked.metrics(beta));
        return new Result(ranked.value().loss(), ranked.slopes(), metrics);
    }

    /// What the loss makes of two completions, the better one first.
    ///
    /// @param own log-probability of each under the policy, summed
    /// @param ratios their log-ratios to the reference
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Ranked(
            OnlinePairLoss.Value value, List<double[]> slopes, double[] own, double[] ratios) {
        /// Mean log-ratio of both.
        double kl() {
            return (ratios[0] + ratios[1]) / 2;
        }

        Map<String, Double> metrics(double beta) {
            Map<String, Double> metrics = new LinkedHashMap<>();
            metrics.put(MetricKeys.LOGPS_CHOSEN, own[0]);
            metrics.put(MetricKeys.LOGPS_REJECTED, own[1]);
            metrics.put("objective/kl", kl());
            metrics.put("objective/entropy", -(own[0] + own[1]) / 2);
            metrics.put(MetricKeys.REWARDS_CHOSEN, beta * ratios[0]);
            metrics.put(MetricKeys.REWARDS_REJECTED, beta * ratios[1]);
            metrics.put(MetricKeys.REWARDS_MARGINS, beta * (ratios[0] - ratios[1]));
            metrics.put(MetricKeys.REWARDS_ACCURACIES, ratios[0] > ratios[1] ? 1.0 : 0.0);
            metrics.put("beta", beta);
            return metrics;
        }
    }

    Ranked ranked(List<double[]> policy, List<double[]> reference) {
        double[] own = policy.stream().mapToDouble(PairObjective::sum).toArray();
        double[] ratios = new double[own.length];
        Arrays.setAll(ratios, i -> own[i] - sum(reference.get(i)));
        OnlinePairLoss.Value value = loss.of(ratios[0] - ratios[1]);
        double[] chosen = new double[policy.get(0).length];
        double[] rejected = new double[policy.get(1).length];
        Arrays.fill(chosen, value.slope());
        Arrays.fill(rejected, -value.slope());
        return new Ranked(value, List.of(chosen, rejected), own, ratios);
    }

    static double sum(double[] values) {
        return Arrays.stream(values).sum();
    }
}
