package org.attune.trainers.ppo;

import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.layout.CompletionForest;
import org.attune.policy.CausalPolicy;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.reward.TokenAdvantages;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.loop.Critic;
import org.attune.trainers.onpolicy.CompletionJudge.Judged;
import org.attune.trainers.onpolicy.CompletionMeasure;
import org.attune.trainers.onpolicy.Rounds;
import org.attune.trainers.onpolicy.RoundsAhead;
import org.attune.trainers.onpolicy.WrittenRound;

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
    private final CausalPolicy policy;
    private final Critic critic;
    private final Optional<Scorer> reference;
    private final Rounds rounds;
    private final CompletionMeasure measure;
    private final OptionalInt eosId;
    private final Optional<RoundsAhead> ahead;

    /// @param reference needed where `kl_coef` isn't 0
    /// @param eosId the tokenizer's
    /// @param ahead rounds that were written before; empty: each is written when it is asked for
    PpoRounds(
            PpoConfig config,
            CausalPolicy policy,
            Critic critic,
            Optional<Scorer> reference,
            Rounds rounds,
            CompletionMeasure measure,
            OptionalInt eosId,
            Optional<RoundsAhead> ahead) {
        this.config = config;
        this.policy = policy;
        this.critic = critic;
        this.reference = reference;
        this.rounds = rounds;
        this.measure = measure;
        this.eosId = eosId;
        this.ahead = ahead;
    }

    /// The completions of an update.
    ///
    /// @param rows in the order of their prompts
    /// @param kl mean divergence of a completion from the reference, in nats; 0 without one
    record Batch(List<PpoRow> rows, double kl) {}

    /// Completes prompts and has the completions judged.
    Rounds rounds() {
        return rounds;
    }

    /// Completes prompts for training.
    ///
    /// @param update number of the update, from 0
    /// @param indices numbers of its prompts in the data
    /// @param prompts the data
    /// @param klCoef weight of the divergence
    Rounds.Made<Batch> batch(
            long update, int[] indices, List<PromptExample> prompts, double klCoef) {
        Optional<WrittenRound> written = ahead.map(a -> a.at(update));
        Judged judged =
                written.map(round -> ahead.orElseThrow().judged(round))
                        .orElseGet(() -> rounds.complete(update, indices, prompts, 1));
        rounds.keep(update, judged, IntStream.range(0, judged.rows().size()).toArray());
        Opinions said = opinions(judged, written);
        var shaping =
                new TokenRewards(
                        config.kl().klEstimator(),
                        config.kl().klIn() == KlPlace.REWARD ? klCoef : 0);
        List<PpoRow> made = rows(indices, judged, said, shaping);
        var report = new PpoBatchMetrics(made, said.scores(), shaping, config, eosId);
        Map<String, Double> metrics = new LinkedHashMap<>(judged.metrics());
        metrics.putAll(report.metrics(klCoef));
        ahead.ifPresent(a -> metrics.putAll(a.metrics()));
        return new Rounds.Made<>(
                new Batch(made, report.divergence()), metrics, judged.tokens(), judged.table());
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

    private Opinions opinions(Judged judged, Optional<WrittenRound> written) {
        List<CompletionForest.Row> tokens = judged.rows();
        int n = tokens.size();
        double[][] masks = new double[n][];
        double[][] valueMasks = new double[n][];
        double[] scores = new double[n];
        for (int i = 0; i < n; i++) {
            scores[i] = score(judged, i);
            SampledCompletion completion = judged.sampled().get(i);
            boolean counts =
                    Double.isFinite(scores[i])
                            && !completion.isFailed()
                            && !config.agent().masks(completion);
            masks[i] = mask(completion, counts);
            valueMasks[i] = valueMask(masks[i], counts);
        }
        boolean head = critic instanceof Critic.Head;
        List<Measurement> old =
                written.isPresent() && !head
                        ? List.of()
                        : measure.of(tokens, policy, PpoObjectives.oldRequest(config, head), "old");
        HeadRequest plain = PpoObjectives.plainRequest(config);
        return new Opinions(
                scores,
                masks,
                valueMasks,
                written.map(round -> doubles(Arrays.asList(round.old().orElseThrow())))
                        .orElseGet(() -> logProbs(old)),
                reference.map(r -> logProbs(measure.of(tokens, r, plain, "reference"))),
                doubles(values(tokens, valueMasks, old)));
    }

    private static double[][] logProbs(List<Measurement> measured) {
        return doubles(measured.stream().map(Measurement::tokenLogProbs).toList());
    }

    private List<PpoRow> rows(int[] indices, Judged judged, Opinions said, TokenRewards shaping) {
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
        if (config.judging().whitenRewards()) {
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
    private static int[][] turns(Judged judged, double[][] states) {
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
    private double score(Judged judged, int i) {
        double score = judged.table().rewards().total(i);
        if (config.judging().missingEosPenalty().isEmpty()) {
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
        return ended ? score : score - config.judging().missingEosPenalty().getAsDouble();
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
        boolean room = mask.length < config.sampling().maxCompletionLength();
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
                    measure.values(
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
