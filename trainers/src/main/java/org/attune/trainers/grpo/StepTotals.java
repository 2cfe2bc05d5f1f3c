package org.attune.trainers.grpo;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Loss and metrics of a step's micro-batches, summed up completion by completion.
final class StepTotals {
    private final GroupLoss method;
    private final List<MicroBatch> microBatches = new ArrayList<>();

    private static final class MicroBatch {
        double loss;
        double tokens;
        double entropy;
        double kl;
        double low;
        double high;
        double lowestLow = Double.POSITIVE_INFINITY;
        double highestHigh = Double.NEGATIVE_INFINITY;
        int rows;
        double samplerDifference;
        double largestDifference;
        double compared;
        double phi;
        double moved;
        double largestMove;
        double influence;
        double largestInfluence;
        double bonus;
        double bonusEntropy;
        double bonusTokens;
        double implicitReward;
        double advantage;
    }

    /// @param count number of logical micro-batches
    StepTotals(GroupLoss method, int count) {
        this.method = method;
        for (int m = 0; m < count; m++) {
            microBatches.add(new MicroBatch());
        }
    }

    /// Adds a completion.
    ///
    /// @param m its logical micro-batch
    /// @param scores what was evaluated
    /// @param result what came out
    /// @param factor with which it enters the loss
    /// @param entropy of each token's distribution, `(T)`
    void add(
            int m,
            CompletionLogProbs scores,
            CompletionLoss.Result result,
            double factor,
            double[] entropy) {
        MicroBatch batch = microBatches.get(m);
        batch.loss += factor * result.loss();
        for (int t = 0; t < entropy.length; t++) {
            batch.entropy += scores.mask()[t] * entropy[t];
        }
        double counted = scores.counted();
        batch.tokens += counted;
        batch.kl += result.kl();
        batch.low += result.low();
        batch.high += result.high();
        if (counts() || counted > 0) { // TRL's mean over no token is passed over
            double unit = counts() ? 1 : counted;
            batch.lowestLow = Math.min(batch.lowestLow, result.low() / unit);
            batch.highestHigh = Math.max(batch.highestHigh, result.high() / unit);
        }
        batch.rows++;
        if (method.completion() instanceof AdvantageRegression regression) {
            batch.implicitReward += regression.implicitReward(scores);
            batch.advantage += scores.advantage();
        }
        addMoves(batch, scores);
        if (form() instanceof PolicyLoss.Vespo vespo) {
            double product = PolicyLoss.Vespo.logProduct(scores, scores.logRatios());
            batch.phi += vespo.phi(product, scores.advantage());
        }
    }

    /// How far probabilities moved, and what that makes of weights, of losses that read it.
    private void addMoves(MicroBatch batch, CompletionLogProbs scores) {
        boolean moves = form() instanceof PolicyLoss.Dppo;
        double[] influence =
                method.influence().map(i -> i.weights(scores)).orElse(new double[0]); // (T)
        for (int t = 0; t < scores.tokens(); t++) {
            if (scores.mask()[t] == 0) {
                continue;
            }
            if (moves) {
                double move =
                        PolicyDivergence.BINARY_TV.of(
                                scores.policy()[t], scores.policy()[t] - scores.logRatio(t));
                batch.moved += move;
                batch.largestMove = Math.max(batch.largestMove, move);
            }
            if (influence.length > 0) {
                batch.influence += influence[t];
                batch.largestInfluence = Math.max(batch.largestInfluence, influence[t]);
            }
        }
    }

    /// Adds a completion's part of the entropy bonus.
    ///
    /// @param share factor of the tokens' entropies in the step's loss
    /// @param mask 1 where the bonus is for a token, else 0, `(T)`
    /// @param entropy of each token's distribution, `(T)`
    void addEntropy(int m, double share, double[] mask, double[] entropy) {
        MicroBatch batch = microBatches.get(m);
        for (int t = 0; t < entropy.length; t++) {
            batch.bonus += share * mask[t] * entropy[t];
            batch.bonusEntropy += mask[t] * entropy[t];
            batch.bonusTokens += mask[t];
        }
    }

    /// Mean entropy of the step's tokens that the bonus is for.
    double bonusEntropy() {
        double sum = microBatches.stream().mapToDouble(m -> m.bonusEntropy).sum();
        double tokens = microBatches.stream().mapToDouble(m -> m.bonusTokens).sum();
        return sum / Math.max(1, tokens);
    }

    private boolean counts() {
        return method.completion().countsCompletions();
    }

    /// Null where tokens have no separate terms.
    private PolicyLoss form() {
        return method.completion() instanceof GrpoObjective tokens ? tokens.loss() : null;
    }

    /// Adds the distance between the sampler's log-probabilities and the trainer's, of the tokens
    /// that count.
    ///
    /// @param mask 1 where a token counts, else 0, `(T)`
    void compareSampler(int m, float[] sampling, double[] trainer, float[] mask) {
        MicroBatch batch = microBatches.get(m);
        for (int t = 0; t < trainer.length; t++) {
            if (mask[t] == 0) {
                continue;
            }
            batch.compared++;
            double difference = Math.abs(sampling[t] - trainer[t]);
            batch.samplerDifference += difference;
            batch.largestDifference = Math.max(batch.largestDifference, difference);
        }
    }

    /// The step's loss.
    double loss() {
        return microBatches.stream().mapToDouble(m -> m.loss + m.bonus).sum();
    }

    /// Metrics of each micro-batch, by TRL's names.
    List<Map<String, Double>> metrics() {
        return microBatches.stream().map(this::metrics).toList();
    }

    private Map<String, Double> metrics(MicroBatch m) {
        double tokens = Math.max(1, m.tokens);
        Map<String, Double> metrics = new LinkedHashMap<>();
        if (method.completion().beta() != 0) {
            metrics.put("kl", m.kl / tokens);
        }
        if (method.entropy().hasBonus()) {
            metrics.put("policy_loss", method.normaliser().ownLoss(m.loss, microBatches.size()));
        }
        metrics.put("entropy", m.entropy / tokens);
        double count = counts() ? Math.max(1, m.rows) : tokens;
        switch (form()) {
            case PolicyLoss.Cispo _ -> metrics.put("cispo_clip_ratio", m.high / count);
            case PolicyLoss.Vespo _ ->
                    metrics.put("vespo/phi_seq_mean", m.phi / Math.max(1, m.rows));
            case PolicyLoss.Dppo _ -> maskRatios(m, count, metrics);
            case PolicyLoss.Sapo _ -> {}
            case PolicyLoss.KlCov _ -> {}
            case PolicyLoss.Dro _ -> {}
            case PolicyLoss.Clipped _ -> clipRatios(m, count, metrics);
            case null -> ofCompletions(m, count, metrics);
        }
        if (method.influence().isPresent()) {
            metrics.put("fipo/influence_weight/mean", m.influence / tokens);
            metrics.put("fipo/influence_weight/max", m.largestInfluence);
        }
        if (m.compared > 0) {
            metrics.put("sampling/sampling_logp_difference/mean", m.samplerDifference / m.compared);
            metrics.put("sampling/sampling_logp_difference/max", m.largestDifference);
        }
        return metrics;
    }

    private void ofCompletions(MicroBatch m, double count, Map<String, Double> metrics) {
        switch (method.completion()) {
            case RewardLabels _ -> {}
            case AdvantageRegression _ -> { // by the names of TRL's experimental `A2POTrainer`
                metrics.put("implicit_reward", m.implicitReward / count);
                metrics.put("advantage", m.advantage / count);
            }
            case GrpoObjective _, GeometricMean _, SequenceRatio _ -> clipRatios(m, count, metrics);
        }
    }

    /// By the names of TRL's experimental `DPPOTrainer`.
    private static void maskRatios(MicroBatch m, double tokens, Map<String, Double> metrics) {
        metrics.put("mask_ratio/negative_adv_mean", m.low / tokens);
        metrics.put("mask_ratio/positive_adv_mean", m.high / tokens);
        metrics.put("mask_ratio/overall_mean", (m.low + m.high) / tokens);
        metrics.put("prob_diff/mean", m.moved / tokens);
        metrics.put("prob_diff/max", m.largestMove);
    }

    private static void clipRatios(MicroBatch m, double count, Map<String, Double> metrics) {
        metrics.put("clip_ratio/low_mean", m.low / count);
        metrics.put("clip_ratio/high_mean", m.high / count);
        metrics.put("clip_ratio/region_mean", (m.low + m.high) / count);
        if (Double.isFinite(m.lowestLow)) {
            metrics.put("clip_ratio/low_min", m.lowestLow);
            metrics.put("clip_ratio/high_max", m.highestHigh);
        }
    }
}
