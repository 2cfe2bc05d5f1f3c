package org.attune.trainers.online;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RoundPart;
import org.attune.trainers.testing.TinyRun;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// The opponent of a round follows from the round, also on a device of several.
class OpponentRolloutsTest {
    @Test
    void theOpponentIsThatOfTheRound() {
        List<Long> asked = new ArrayList<>();
        var rollouts =
                new OpponentRollouts(
                        new TinyRun.Drawn(),
                        round -> {
                            asked.add(round);
                            return new TinyRun.Drawn();
                        });
        var prompt = new RolloutPrompt(0, new int[] {1, 2}, List.of(), Map.of());
        var part = new RoundPart(3, 1, 4, 8, new int[] {4, 5});
        var both = rollouts.completePart(List.of(prompt, prompt), part, FinishedListener.NONE);
        assertEquals(2, both.size());
        assertEquals(List.of(3L), asked);
    }
}
