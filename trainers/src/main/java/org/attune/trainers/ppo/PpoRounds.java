package org.attune.trainers.ppo;

import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.reward.TokenAdvantages;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.Critic;
import org.attune.trainers.onpolicy.JudgedCompletions;
import org.attune.trainers.onpolicy.JudgedRounds;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// Makes the material of updates: completes prompts, has the completions judged, asks policy,
/// reference and critic for their opinion, and estimates advantages.
final class PpoRounds {
    private final PpoConfig config;
    private final Critic critic;
    private final JudgedRounds judged;
    private final OptionalInt eosId;

    /// @param judged with a reference where `kl_coef` isn't 0
    /// @param eosId the tokenizer's
    PpoRounds(PpoConfig config, Critic critic, JudgedRounds judged, OptionalInt eosId) {
        this.config = config;
        this.critic = critic;
        this.judged = judged;
        this.eosId = eosId;
    }

    /// The completions of an update.
    ///
    /// @param rows in the order of their prompts
    /// @param kl mean divergence of a completion from the reference, in nats; 0 without one
    /// @param metrics of completions, rewards and models, finite
    /// @param tokens of prompts and completions
    record Batch(List<PpoRow> rows, double kl, Map<String, Double> metrics, long tokens) {}

    /// Completes prompts for training.
    ///
    /// @param update number of the update, from 0
    /// @param klCoef weight of the divergence
    Batch batch(long update, double klCoef) {
        JudgedRounds.Completed round = judged.complete(update);
        Opinions said = opinions(round);
        var shaping =
                new TokenRewards(
                        config.kl().klEstimator(),
                        config.kl().klIn() == KlPlace.REWARD ? klCoef : 0);
        List<PpoRow> made = rows(round.prompts(), round.judged(), said, shaping);
        var report = new PpoBatchMetrics(made, said.scores(), shaping, config, eosId);
        Map<String, Double> metrics = new LinkedHashMap<>();
        round.metrics().forEach(metrics::putAll);
        metrics.putAll(report.metrics(klCoef));
        return new Batch(made, report.divergence(), metrics, round.judged().tokens());
    }

    /// What rewards and models say of completions, with the fields of [PpoRow]; one array each.
    ///
    /// @param scores NaN where nothing judged a completion
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Opinions(
            double[] scores,
            double[][] masks,
            double[][] valueMasks,
            double[][] old,
            Optional<double[][]> reference,
            double[][] values) {
        Optional<double[]> reference(int i) {
            return reference.map(rows -> rows[i]);
        }

        /// 0 where nothing judged it: such a completion doesn't count.
        double score(int i) {
            return Double.isFinite(scores[i]) ? scores[i] : 0;
        }
    }

    private Opinions opinions(JudgedRounds.Completed round) {
        JudgedCompletions completed = round.judged();
        List<CompletionForest.Row> tokens = completed.rows();
        int n = tokens.size();
        double[][] masks = new double[n][];
        double[][] valueMasks = new double[n][];
        double[] scores = new double[n];
        for (int i = 0; i < n; i++) {
            scores[i] = score(completed, i);
            SampledCompletion completion = completed.sampled().get(i);
            boolean counts =
                    Double.isFinite(scores[i])
                            && !completion.isFailed()
                            && !config.agent().masks(completion);
            masks[i] = mask(completion, counts);
            valueMasks[i] = valueMask(masks[i], counts);
        }
        boolean head = critic instanceof Critic.Head;
        List<Measurement> old =
                round.old().isPresent() && !head
                        ? List.of()
                        : judged.measure()
                                .of(
                                        tokens,
                                        judged.means().policy(),
                                        PpoObjectives.oldRequest(config, head),
                                        "old");
        HeadRequest plain = PpoObjectives.plainRequest(config);
        return new Opinions(
                scores,
                masks,
                valueMasks,
                round.old()
                        .map(written -> doubles(Arrays.asList(written)))
                        .orElseGet(() -> logProbs(old)),
                reference().map(r -> logProbs(judged.measure().of(tokens, r, plain, "reference"))),
                doubles(values(tokens, valueMasks, old)));
    }

    private Optional<Scorer> reference() {
        return config.kl().klCoef() == 0 ? Optional.empty() : judged.reference();
    }

    private static double[][] logProbs(List<Measurement> measured) {
        return doubles(measured.stream().map(Measurement::tokenLogProbs).toList());
    }

    private List<PpoRow> rows(
            int[] indices, JudgedCompletions judged, Opinions said, TokenRewards shaping) {
        List<CompletionForest.Row> tokens = judged.rows();
        int[][] turns = turns(judged, said.valueMasks());
        double[][] rewards = new double[indices.length][];
        for (int i = 0; i < indices.length; i++) {
            rewards[i] =
                    shaping.of(
                            said.score(i),
                            said.old()[i],
                            said.reference(i),
                            said.masks()[i],
                            said.valueMasks()[i]);
            if (Double.isFinite(said.scores()[i])) {
                int count = turns[i][turns[i].length - 1] + 1;
                double[] ofTurns = judged.table().rewards().ofTurns(i, count);
                TokenRewards.toTurns(rewards[i], ofTurns, turns[i], said.valueMasks()[i]);
            }
        }
        if (config.loss().whitenRewards()) {
            rewards = TokenAdvantages.whitened(rewards, said.valueMasks(), false);
        }
        TokenAdvantages estimates =
                config.loss().gaeUnit() == GaeUnit.TURN
                        ? TokenAdvantages.gaeOfTurns(
                                rewards,
                                said.values(),
                                said.valueMasks(),
                                turns,
                                config.loss().gamma(),
                                config.loss().lam())
                        : TokenAdvantages.gae(
                                rewards,
                                said.values(),
                                said.valueMasks(),
                                config.loss().gamma(),
                                config.loss().lam());
        double[][] advantages = cut(estimates.advantages(), said.masks());
        if (config.loss().whitenAdvantages()) {
            advantages = TokenAdvantages.whitened(advantages, said.masks(), true);
        }
        List<PpoRow> made = new ArrayList<>();
        for (int i = 0; i < indices.length; i++) {
            made.add(
                    new PpoRow(
                            indices[i],
                            tokens.get(i),
                            said.masks()[i],
                            said.valueMasks()[i],
                            said.old()[i],
                            said.reference(i),
                            said.values()[i],
                            advantages[i],
                            estimates.returns()[i]));
        }
        return made;
    }

    /// The turn of each state; one behind the last token is of the last turn.
    private static int[][] turns(JudgedCompletions judged, double[][] states) {
        int[][] turns = new int[states.length][];
        for (int i = 0; i < turns.length; i++) {
            int[] ofTokens = judged.sampled().get(i).turns();
            turns[i] = Arrays.copyOf(ofTokens, states[i].length);
            Arrays.fill(
                    turns[i],
                    Math.min(ofTokens.length, turns[i].length),
                    turns[i].length,
                    ofTokens[ofTokens.length - 1]);
        }
        return turns;
    }

    /// A completion's reward; NaN if nothing judged it.
    private double score(JudgedCompletions judged, int i) {
        double score = judged.table().rewards().total(i);
        if (config.stop().missingEosPenalty().isEmpty()) {
            return score;
        }
        SampledCompletion completion = judged.sampled().get(i);
        boolean ended = completion.reason().isFinished();
        if (config.loss().trlCompat()) { // any end-of-text token counts there
            ended =
                    eosId.isPresent()
                            && IntStream.of(completion.ids())
                                    .anyMatch(id -> id == eosId.getAsInt());
        }
        return ended ? score : score - config.stop().missingEosPenalty().getAsDouble();
    }

    private static double[] mask(SampledCompletion completion, boolean judged) {
        double[] mask = new double[completion.ids().length];
        for (int t = 0; t < mask.length; t++) {
            mask[t] = judged && !completion.foreign().get(t) ? 1 : 0;
        }
        return mask;
    }

    /// TRL gives the score one state after the last token, if there is room.
    private double[] valueMask(double[] mask, boolean judged) {
        boolean room = mask.length < config.maxCompletionLength();
        if (!config.loss().trlCompat() || !room) {
            return mask;
        }
        double[] longer = Arrays.copyOf(mask, mask.length + 1);
        longer[mask.length] = judged ? 1 : 0;
        return longer;
    }

    private List<float[]> values(
            List<CompletionForest.Row> tokens, double[][] valueMasks, List<Measurement> old) {
        return switch (critic) {
            case Critic.Network(var model) ->
                    judged.measure()
                            .values(
                                    tokens,
                                    Arrays.stream(valueMasks).mapToInt(m -> m.length).toArray(),
                                    model,
                                    "values");
            case Critic.Head _ -> old.stream().map(m -> m.statistic(HeadStatistic.VALUE)).toList();
        };
    }

    /// The first numbers of each row, as many as `like` has.
    private static double[][] cut(double[][] rows, double[][] like) {
        double[][] cut = new double[rows.length][];
        for (int i = 0; i < cut.length; i++) {
            cut[i] = Arrays.copyOf(rows[i], like[i].length);
        }
        return cut;
    }

    private static double[][] doubles(List<float[]> rows) {
        double[][] doubles = new double[rows.size()][];
        for (int i = 0; i < doubles.length; i++) {
            float[] row = rows.get(i);
            doubles[i] = IntStream.range(0, row.length).mapToDouble(t -> row[t]).toArray();
        }
        return doubles;
    }
}
