package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.agents.loop.TurnBudget.Room;
import org.attune.episode.EndReason;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/// How many tokens a turn may have, and the settings of episodes.
final class TurnBudgetTest {
    @Test
    void theNarrowestLimitCounts() {
        EpisodeLimits limits = EpisodeLimits.none();
        assertEquals(
                new Room(60, EndReason.MAX_TOKENS),
                new TurnBudget(limits, 100, 200).room(90, 40, 30));
        assertEquals(
                new Room(10, EndReason.CONTEXT_FULL),
                new TurnBudget(limits, 100, 100).room(90, 40, 30));
        assertEquals(
                new Room(5, EndReason.MAX_SAMPLED_TOKENS),
                new TurnBudget(limits.withMaxSampledTokens(35), 100, 200).room(90, 40, 30));
        assertEquals(
                new Room(7, EndReason.TURN_CUT),
                new TurnBudget(limits.withMaxTurnTokens(7), 100, 200).room(90, 40, 30));
        assertEquals(
                new Room(-1, EndReason.MAX_TOKENS),
                new TurnBudget(limits.withMaxTurnTokens(7), 39, 200).room(90, 40, 30));
    }

    @Test
    void defaults() {
        OptionalInt none = OptionalInt.empty();
        var limits =
                new EpisodeLimits(
                        none,
                        none,
                        none,
                        none,
                        OptionalInt.of(1024),
                        OptionalInt.of(3),
                        Optional.empty(),
                        Optional.empty());
        assertEquals(limits, EpisodeLimits.defaults());
        assertEquals(
                new EpisodeConfig(
                        limits,
                        History.TOKENS,
                        none,
                        2,
                        0.2,
                        none,
                        new Pace(4, true),
                        false,
                        false),
                EpisodeConfig.defaults());
    }

    @Test
    void whatIsOutOfRangeIsRefused() {
        assertThrows(
                IllegalArgumentException.class, () -> EpisodeLimits.defaults().withMaxTurns(0));
        assertThrows(
                IllegalArgumentException.class,
                () -> EpisodeLimits.defaults().withToolTimeout(Duration.ZERO));
        assertThrows(
                IllegalArgumentException.class,
                () -> EpisodeConfig.defaults().withMaxFailedEpisodes(Double.NaN));
    }
}
