package org.attune.trainers.online;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Exploratory preference optimisation: online DPO between a completion of the policy and one of
/// the reference, and the policy moves away from what the reference writes:
/// ```
/// L = L_DPO + α log π(y_ref)
/// ```
/// [Xie et al. 2024, Algorithm 1](https://arxiv.org/abs/2405.21046); TRL's sums.
///
/// @param pair the preference part
/// @param alpha α ≥ 0
record ExploringObjective(PairObjective pair, double alpha) implements OnlineObjective {
    @Override
    public List<LearnedCompletion> learned(JudgedPair judged) {
        return pair.learned(judged);
    }

    @Override
    public Result of(JudgedPair judged, List<double[]> policy, List<double[]> reference) {
        PairObjective.Ranked ranked = pair.ranked(policy, reference);
        int opponent = judged.isInOrder() ? 1 : 0;
        double exploring = alpha * ranked.own()[opponent];
        List<double[]> slopes = new ArrayList<>(ranked.slopes());
        slopes.set(
                opponent,
                Arrays.stream(slopes.get(opponent)).map(slope -> slope + alpha).toArray());
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("loss/dpo", ranked.value().loss());
        metrics.put("loss/xpo", exploring);
        metrics.put("objective/model_scores", judged.firstReward());
        metrics.put("objective/ref_scores", judged.secondReward());
        metrics.put("objective/scores_margin", judged.firstReward() - judged.secondReward());
        metrics.put("val/model_contain_eos_token", judged.firstEnded() ? 1.0 : 0.0);
        metrics.put("val/ref_contain_eos_token", judged.secondEnded() ? 1.0 : 0.0);
        metrics.putAll(ranked.metrics(pair.beta()));
        metrics.put("alpha", alpha);
        return new Result(ranked.value().loss() + exploring, slopes, metrics);
    }
}
