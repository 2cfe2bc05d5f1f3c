package org.attune.examples.learning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.reward.Completion;
import org.attune.reward.PerCompletion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

final class ShuffledRewardsTest {
    private static final int GROUPS = 50;
    private static final int GENERATIONS = 8;

    /// The reward is the number that the completion says: all differ.
    private static final RewardFunction NUMBER =
            new PerCompletion("number", row -> Double.parseDouble(row.text()));

    private static RewardBatch batch(int completions) {
        var prompts = new ArrayList<Prompt>();
        var said = new ArrayList<Completion>();
        for (int i = 0; i < completions; i++) {
            prompts.add(new Prompt("prompt " + i / GENERATIONS, List.of()));
            said.add(new Completion(Integer.toString(i), new int[] {i}, List.of()));
        }
        return new RewardBatch(prompts, said, Map.of());
    }

    private static ShuffledRewards shuffled(long seed) {
        return new ShuffledRewards(NUMBER, GENERATIONS, seed);
    }

    @Test
    void aGroupKeepsItsRewardsAndNothingElse() {
        RewardBatch batch = batch(GROUPS * GENERATIONS);
        List<OptionalDouble> before = NUMBER.score(batch);
        List<OptionalDouble> after = shuffled(1).score(batch);
        assertEquals(before.size(), after.size());
        int stayed = 0;
        for (int from = 0; from < before.size(); from += GENERATIONS) {
            List<Double> own = values(before.subList(from, from + GENERATIONS));
            List<Double> dealt = values(after.subList(from, from + GENERATIONS));
            assertEquals(own, dealt.stream().sorted().toList());
            for (int i = 0; i < GENERATIONS; i++) {
                stayed += own.get(i).equals(dealt.get(i)) ? 1 : 0;
            }
        }
        // One in eight by chance, 50 of 400; below 10 or above 100 it is no fair deal.
        assertTrue(stayed > 10 && stayed < 100, stayed + " of 400 rewards stayed where they were");
    }

    private static List<Double> values(List<OptionalDouble> rewards) {
        return rewards.stream().map(OptionalDouble::orElseThrow).toList();
    }

    @Test
    void everyCallDealsAnewAndASeedDealsAgain() {
        RewardBatch batch = batch(GROUPS * GENERATIONS);
        ShuffledRewards one = shuffled(1);
        List<OptionalDouble> first = one.score(batch);
        assertNotEquals(first, one.score(batch));
        assertEquals(first, shuffled(1).score(batch));
        assertNotEquals(first, shuffled(2).score(batch));
    }

    @Test
    void partsOfGroupsAreRefused() {
        ShuffledRewards shuffled = shuffled(1);
        assertTrue(shuffled.wholeRound());
        RewardBatch part = batch(GENERATIONS + 1);
        assertThrows(IllegalArgumentException.class, () -> shuffled.score(part));
        var other = new ShuffledRewards(NUMBER, GENERATIONS - 1, 1);
        RewardBatch mixed = batch(7 * GENERATIONS);
        assertThrows(IllegalArgumentException.class, () -> other.score(mixed));
    }
}
