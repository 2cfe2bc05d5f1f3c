package org.attune.trainers.grpo;

import org.attune.reward.GroupedRewards;
import org.attune.reward.RewardTable;
import org.attune.trainers.onpolicy.GatheredGroups;
import org.attune.trainers.onpolicy.JudgedCompletions;
import org.attune.trainers.onpolicy.JudgedRounds;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// Gives a round its groups: one batch of prompts is completed, or with dynamic sampling as many as
/// it takes. Batches are numbered through all rounds, and a batch's prompts and draws follow from
/// its number. So a resumed run, which knows how many were drawn, goes on with the same ones.
///
/// @param judged completes and judges
/// @param config how long groups are looked for
/// @param values say which prompts are left out; empty: none
record GroupSupply(JudgedRounds judged, RefillConfig config, Optional<OptimalValues> values) {
    /// A round's groups.
    ///
    /// @param judged its completions
    /// @param indices numbers of its prompts in the data
    /// @param drawn batches that were completed until now
    /// @param elsewhere whether another sampler wrote them
    /// @param tokens of prompts and completions, those that aren't used included
    /// @param metrics of the search, empty without one
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Supplied(
            JudgedCompletions judged,
            int[] indices,
            long drawn,
            boolean elsewhere,
            long tokens,
            Map<String, Double> metrics) {}

    /// @param drawn batches that were completed for the rounds before
    Supplied next(long drawn) {
        return config.dynamicSampling() ? search(drawn) : single(drawn);
    }

    private JudgedCompletions complete(long number, int[] indices) {
        return judged.rounds().complete(number, indices, judged.prompts(), generations());
    }

    private int generations() {
        return judged.plan().generations();
    }

    private Supplied single(long number) {
        int[] indices =
                values.map(v -> v.promptsOf(number))
                        .orElseGet(() -> judged.plan().promptsOf(number));
        JudgedCompletions batch = complete(number, indices);
        return new Supplied(
                batch,
                indices,
                number + 1,
                judged.rounds().isElsewhere(number),
                batch.tokens(),
                Map.of());
    }

    /// What was found.
    private static final class Found {
        final List<GatheredGroups.Place> places = new ArrayList<>();
        final List<Integer> indices = new ArrayList<>();
    }

    private Supplied search(long start) {
        int needed = judged.plan().promptsOf(start).length;
        var apart = new Found();
        var alike = new Found();
        long drawn = start;
        long tokens = 0;
        boolean elsewhere = false;
        double rewards = 0;
        double judgedCount = 0;
        while (apart.places.size() < needed && drawn - start < config.dynamicSamplingMaxBatches()) {
            int[] indices = judged.plan().promptsOf(drawn);
            JudgedCompletions batch = complete(drawn, indices);
            judged.rounds().keep(drawn, batch, IntStream.range(0, batch.rows().size()).toArray());
            elsewhere |= judged.rounds().isElsewhere(drawn);
            tokens += batch.tokens();
            drawn++;
            RewardTable table = batch.table().rewards();
            var grouped = GroupedRewards.of(table, generations());
            for (int p = 0; p < indices.length; p++) {
                Found found = GatheredGroups.differs(grouped, p) ? apart : alike;
                found.places.add(new GatheredGroups.Place(batch, p));
                found.indices.add(indices[p]);
            }
            for (int i = 0; i < table.size(); i++) {
                boolean has = !Double.isNaN(table.total(i));
                rewards += has ? table.total(i) : 0;
                judgedCount += has ? 1 : 0;
            }
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("dynamic_sampling/batches", (double) (drawn - start));
        metrics.put(
                "dynamic_sampling/kept",
                (double) apart.places.size() / (apart.places.size() + alike.places.size()));
        metrics.put("dynamic_sampling/reward", rewards / Math.max(1, judgedCount));
        int missing = Math.max(0, needed - apart.places.size());
        apart.places.addAll(alike.places.subList(0, missing));
        apart.indices.addAll(alike.indices.subList(0, missing));
        return new Supplied(
                GatheredGroups.of(apart.places.subList(0, needed), generations()),
                apart.indices.subList(0, needed).stream().mapToInt(i -> i).toArray(),
                drawn,
                elsewhere,
                tokens,
                metrics);
    }
}
