package org.attune.trainers.grpo;

import org.apache.commons.rng.sampling.PermutationSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.layout.CompletionForest;
import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.reward.CompletionScorer;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.onpolicy.CompletionJudge;
import org.attune.trainers.onpolicy.CompletionJudge.Judged;
import org.attune.trainers.onpolicy.CompletionMeasure;
import org.attune.trainers.onpolicy.CompletionText;
import org.attune.trainers.onpolicy.Rounds;
import org.attune.trainers.rows.RowGroups;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.stream.IntStream;

/// Makes rounds to learn from: completions with their advantages, scored with the old policy and
/// the reference.
final class RoundGenerator {
    private final GrpoConfig config;
    private final Scorer policy;
    private final Optional<Scorer> reference;
    private final Rounds rounds;
    private final CompletionMeasure measure;
    private final HeadRequest request;

    /// @param reference needed where the objective has a KL term
    RoundGenerator(
            GrpoConfig config,
            Scorer policy,
            Optional<Scorer> reference,
            RolloutSource source,
            CompletionScorer rewards,
            CompletionText text,
            RowGroups groups,
            PhaseClock clock) {
        this.config = config;
        this.policy = policy;
        this.reference = reference;
        var judge = new CompletionJudge(config.rewards(), rewards, text, clock);
        rounds = new Rounds(config, source, judge);
        measure = new CompletionMeasure("grpo", groups, clock);
        request = GrpoObjectives.plainRequest(config);
    }

    /// Completes prompts and has the completions judged.
    Rounds rounds() {
        return rounds;
    }

    /// Completes prompts for training.
    ///
    /// @param number of the round
    /// @param indices numbers of its prompts in the data
    /// @param prompts the data
    /// @param scoreOld whether the policy may have changed before the round is used up
    Rounds.Made<RolloutRound> round(
            long number, int[] indices, List<PromptExample> prompts, boolean scoreOld) {
        int generations = config.generation().numGenerations();
        Judged judged = rounds.complete(number, indices, prompts, generations);
        List<RolloutRow> rows = new ArrayList<>();
        for (int i = 0; i < judged.rows().size(); i++) {
            rows.add(row(judged, i, indices[i / generations]));
        }
        if (scoreOld) {
            rows = scored(rows, policy, "old", RolloutRow::withOld);
        }
        if (config.loss().beta() != 0) {
            rows = scored(rows, reference.orElseThrow(), "reference", RolloutRow::withReference);
        }
        int[] order = rounds.order(number, () -> order(number, judged.rows().size()));
        rounds.keep(number, judged, order);
        List<RolloutRow> ordered = Arrays.stream(order).mapToObj(rows::get).toList();
        return new Rounds.Made<>(
                new RolloutRound(number, ordered),
                judged.metrics(),
                judged.tokens(),
                judged.table());
    }

    private RolloutRow row(Judged judged, int i, int prompt) {
        SampledCompletion completion = judged.sampled().get(i);
        boolean masked =
                config.loss().maskTruncatedCompletions() && !completion.reason().isFinished();
        float[] mask = new float[completion.ids().length];
        for (int t = 0; t < mask.length; t++) {
            mask[t] = masked || completion.foreign().get(t) ? 0 : 1;
        }
        return new RolloutRow(
                prompt,
                judged.rows().get(i),
                completion.logProbs(),
                Optional.empty(),
                Optional.empty(),
                mask,
                judged.advantages().values()[i]);
    }

    /// @param phase under which the time is counted
    /// @param with how a row takes its log-probabilities
    private List<RolloutRow> scored(
            List<RolloutRow> rows,
            Scorer scorer,
            String phase,
            BiFunction<RolloutRow, float[], RolloutRow> with) {
        List<CompletionForest.Row> tokens = rows.stream().map(RolloutRow::tokens).toList();
        List<Measurement> measured = measure.of(tokens, scorer, request, phase);
        List<RolloutRow> scored = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            scored.add(with.apply(rows.get(i), measured.get(i).tokenLogProbs()));
        }
        return scored;
    }

    /// TRL shuffles a round before it cuts it into micro-batches, so that each has completions of
    /// many prompts. Recorded rounds have an order. Inside of a micro-batch neighbours keep
    /// theirs, since that lets them share a prompt and changes nothing else.
    private int[] order(long number, int completions) {
        int[] order = IntStream.range(0, completions).toArray();
        PermutationSampler.shuffle(
                RandomSource.XO_SHI_RO_256_PP.create(
                        new long[] {config.training().seed(), number, 0x5348_5546L, 1}),
                order);
        int size = config.training().batch().perDeviceTrainBatchSize();
        for (int from = 0; from < order.length; from += size) {
            Arrays.sort(order, from, Math.min(order.length, from + size));
        }
        return order;
    }
}
