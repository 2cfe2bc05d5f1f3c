package org.attune.trainers;

import org.apache.commons.rng.sampling.PermutationSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.CompletionForest;
import org.attune.datasets.PromptExample;
import org.attune.datasets.TargetRange;
import org.attune.policy.HeadRequest;
import org.attune.policy.Scorer;
import org.attune.reward.Advantages;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.tensor.TensorScope;
import org.attune.trainers.config.GrpoConfig;
import org.attune.trainers.grpo.RolloutRound;
import org.attune.trainers.grpo.RolloutRow;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.IntStream;

/// Makes rounds: completes prompts, has the completions judged, turns rewards into advantages,
/// and
/// scores them with the old policy and the reference.
final class RoundGenerator {
    private final GrpoConfig config;
    private final Scorer policy;
    private final Optional<Scorer> reference;
    private final RolloutSource source;
    private final CompletionScorer rewards;
    private final CompletionText text;
    private final CompletionGroups groups;
    private final HeadRequest request;
    private final PhaseClock clock;

    /// @param reference needed where the objective has a KL term
    RoundGenerator(
            GrpoConfig config,
            Scorer policy,
            Optional<Scorer> reference,
            RolloutSource source,
            CompletionScorer rewards,
            CompletionText text,
            CompletionGroups groups,
            PhaseClock clock) {
        this.config = config;
        this.policy = policy;
        this.reference = reference;
        this.source = source;
        this.rewards = rewards;
        this.text = text;
        this.groups = groups;
        this.clock = clock;
        request = GrpoObjectives.plainRequest(config);
    }

    /// A round, with what it has to say.
    ///
    /// @param round the completions
    /// @param metrics of rewards and completions
    /// @param tokens of prompts and completions, a shared prompt counted for each completion
    /// @param table completions with their rewards, for those who watch
    record Made(
            RolloutRound round, Map<String, Double> metrics, long tokens, CompletionTable table) {}

    /// Completes prompts for training.
    ///
    /// @param number of the round
    /// @param indices numbers of its prompts in the data
    /// @param prompts the data
    /// @param scoreOld whether the policy may have changed before the round is used up
    Made round(long number, int[] indices, List<PromptExample> prompts, boolean scoreOld) {
        int generations = config.generation().numGenerations();
        Judged judged = judge(indices, prompts, generations, ids -> source.complete(ids, number));
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
        long tokens =
                judged.rows().stream()
                        .mapToLong(r -> r.prompt().length + (long) r.completion().length)
                        .sum();
        return new Made(
                new RolloutRound(number, shuffled(rows, number)),
                judged.metrics(),
                tokens,
                judged.table());
    }

    /// What an evaluation found.
    ///
    /// @param metrics means of rewards and completions
    /// @param table completions with their rewards, for those who watch
    record Evaluated(Map<String, Double> metrics, CompletionTable table) {}

    /// Completes held-out prompts.
    Evaluated evaluate(List<PromptExample> prompts) {
        int[] all = IntStream.range(0, prompts.size()).toArray();
        int generations = config.heldOut().generations(config.generation());
        Judged judged = judge(all, prompts, generations, source::completeHeldOut);
        return new Evaluated(judged.metrics(), judged.table());
    }

    private record Judged(
            List<CompletionForest.Row> rows,
            List<SampledCompletion> sampled,
            Advantages advantages,
            Map<String, Double> metrics,
            CompletionTable table) {}

    private Judged judge(
            int[] indices,
            List<PromptExample> prompts,
            int generations,
            Function<List<int[]>, List<SampledCompletion>> completer) {
        List<PromptExample> repeated = new ArrayList<>();
        for (int index : indices) {
            for (int g = 0; g < generations; g++) {
                repeated.add(prompts.get(index));
            }
        }
        List<SampledCompletion> sampled;
        try (var _ = clock.enter("rollout")) {
            sampled = completer.apply(repeated.stream().map(PromptExample::ids).toList());
        }
        RewardBatch batch = batch(repeated, sampled);
        RewardTable table;
        try (var _ = clock.enter("reward")) {
            table = rewards.score(batch);
        }
        Advantages advantages =
                Advantages.grpo(
                        table,
                        generations,
                        config.rewards().scaleRewards(),
                        config.rewards().multiObjectiveAggregation());
        List<CompletionForest.Row> rows = new ArrayList<>();
        for (int i = 0; i < sampled.size(); i++) {
            rows.add(new CompletionForest.Row(repeated.get(i).ids(), sampled.get(i).ids()));
        }
        Map<String, Double> metrics = new LinkedHashMap<>(CompletionLengths.metrics(sampled));
        metrics.putAll(advantages.metrics());
        metrics.putAll(table.metrics());
        metrics.values().removeIf(v -> !Double.isFinite(v));
        return new Judged(
                rows,
                sampled,
                advantages,
                metrics,
                new CompletionTable(batch, table, advantages.values(), generations));
    }

    private RewardBatch batch(List<PromptExample> prompts, List<SampledCompletion> sampled) {
        List<Prompt> questions = new ArrayList<>();
        List<Completion> answers = new ArrayList<>();
        Set<String> names = new LinkedHashSet<>();
        for (int i = 0; i < prompts.size(); i++) {
            questions.add(text.prompt(prompts.get(i)));
            answers.add(text.completion(prompts.get(i), sampled.get(i).ids()));
            names.addAll(prompts.get(i).columns().keySet());
        }
        Map<String, List<Object>> columns = new LinkedHashMap<>();
        for (String name : names) {
            List<Object> values = new ArrayList<>();
            prompts.forEach(p -> values.add(p.columns().get(name)));
            columns.put(name, values);
        }
        return new RewardBatch(questions, answers, columns);
    }

    private RolloutRow row(Judged judged, int i, int prompt) {
        SampledCompletion completion = judged.sampled().get(i);
        boolean masked =
                config.loss().maskTruncatedCompletions() && !completion.reason().isFinished();
        float[] mask = new float[completion.ids().length];
        Arrays.fill(mask, masked ? 0 : 1);
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
        List<RolloutRow> scored = new ArrayList<>();
        try (var _ = clock.enter(phase)) {
            for (List<RolloutRow> group : groups.of(rows, RolloutRow::tokens)) {
                try (var _ = TensorScope.open("grpo." + phase)) {
                    CompletionForest forest =
                            CompletionForest.of(
                                    group.stream().map(RolloutRow::tokens).toList(),
                                    groups.sharePrompts());
                    float[] logProbs = scorer.measure(forest.forest(), request).tokenLogProbs();
                    for (int i = 0; i < group.size(); i++) {
                        TargetRange range = forest.completions().get(i);
                        float[] own = Arrays.copyOfRange(logProbs, range.start(), range.end());
                        scored.add(with.apply(group.get(i), own));
                    }
                }
            }
        }
        return scored;
    }

    /// TRL shuffles a round before it cuts it into micro-batches, so that each has completions of
    /// many prompts. Recorded rounds stay in their order. Inside of a micro-batch neighbours keep
    /// their order, since that lets them share a prompt and changes nothing else.
    private List<RolloutRow> shuffled(List<RolloutRow> rows, long number) {
        if (!source.isOnPolicy()) {
            return rows;
        }
        int[] order = IntStream.range(0, rows.size()).toArray();
        PermutationSampler.shuffle(
                RandomSource.XO_SHI_RO_256_PP.create(
                        new long[] {config.training().seed(), number, 0x5348_5546L, 1}),
                order);
        int size = config.training().batch().perDeviceTrainBatchSize();
        List<RolloutRow> shuffled = new ArrayList<>();
        for (int from = 0; from < order.length; from += size) {
            Arrays.sort(order, from, Math.min(order.length, from + size));
        }
        for (int i : order) {
            shuffled.add(rows.get(i));
        }
        return shuffled;
    }
}
