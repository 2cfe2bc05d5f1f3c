package org.attune.trainers.online;

import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.numerics.Logistic;
import org.attune.trainers.numerics.Ranges;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Nash learning from feedback: the policy's completion `y` becomes likelier by as much as it is
/// preferred to an opponent's `y'`, against the pull to the reference:
/// ```
/// P = σ(r(y) − r(y'))
/// L = β Σ_t (log π(y_t) − log ref(y_t))° log π(y_t) − (P − ½) Σ_t log π(y_t)
/// ```
/// where `°` marks what has no derivative. The opponent samples from the geometric mixture of
/// policy and reference ([Munos et al. 2023, §7](https://arxiv.org/abs/2312.00886)). The pull is of
/// single tokens as in TRL; the paper's is of the whole completion.
///
/// @param beta β > 0
/// @param mixture share of the reference in the opponent, for metrics
record NashObjective(double beta, double mixture) implements OnlineObjective {
    public NashObjective {
        Ranges.beta(beta);
    }

    @Override
    public List<LearnedCompletion> learned(JudgedPair pair) {
        return List.of(pair.first());
    }

    @Override
    public Result of(JudgedPair pair, List<double[]> policy, List<double[]> reference) {
        double[] own = policy.getFirst();
        double[] held = reference.getFirst();
        double preferred = Logistic.sigmoid(pair.firstReward() - pair.secondReward());
        double[] slopes = new double[own.length];
        double pull = 0;
        double kl = 0;
        for (int t = 0; t < own.length; t++) {
            double ratio = own[t] - held[t];
            kl += ratio;
            pull += ratio * own[t];
            slopes[t] = beta * ratio - (preferred - 0.5);
        }
        double logProb = PairObjective.sum(own);
        double score = (preferred - 0.5) * logProb;
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("loss/kl", kl);
        metrics.put("loss/score", score);
        metrics.put("rewards/probabilities", preferred);
        metrics.put(MetricKeys.REWARDS_CHOSEN, pair.firstReward());
        metrics.put(MetricKeys.REWARDS_REJECTED, pair.secondReward());
        metrics.put(MetricKeys.REWARDS_MARGINS, kl);
        metrics.put(MetricKeys.REWARDS_ACCURACIES, kl > 0 ? 1.0 : 0.0);
        metrics.put(MetricKeys.LOGPS_CHOSEN, logProb);
        metrics.put(MetricKeys.LOGPS_REJECTED, logProb - kl);
        metrics.put("objective/entropy", -logProb);
        metrics.put("val/model_contain_eos_token", pair.firstEnded() ? 1.0 : 0.0);
        metrics.put("val/ref_contain_eos_token", pair.secondEnded() ? 1.0 : 0.0);
        metrics.put("beta", beta);
        metrics.put("mixture_coef", mixture);
        return new Result(beta * pull - score, List.of(slopes), metrics);
    }
}
