package org.attune.examples.agents;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.spec.RunTools;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.List;
import java.util.Map;

/// The game of `examples/agents/TakeAway.java`: its rules, rewards, and the player who never errs.
@Timeout(120)
final class TakeAwayTest {
    private static RunTools game;

    @BeforeAll
    static void read() {
        game =
                RunTools.parse(
                        null,
                        Map.of("game", "TakeAway.java"),
                        EchoWorld.MODEL.resolveSibling("agents"));
    }

    @AfterAll
    static void close() {
        game.close();
    }

    private static Environment make() throws Exception {
        return game.environments().get("game").make();
    }

    private static EpisodeStart start(Map<String, Object> row, long seed) {
        return new EpisodeStart(new EpisodeId(0, 0), row, seed, 0, 0);
    }

    private static Step say(Environment world, String text) throws Exception {
        return world.step(
                new ParsedTurn(Message.of("assistant", text), List.of(), List.of(), false), 0);
    }

    private static int left(Opening opening) {
        return Integer.parseInt(opening.toLast().orElseThrow());
    }

    private static int left(Step step) {
        return Integer.parseInt(((Step.Observe) step).messages().getFirst().content());
    }

    @Test
    void whoTakesTheLastOneWins() throws Exception {
        for (long seed = 0; seed < 30; seed++) {
            try (Environment world = make()) {
                int left = left(world.reset(start(Map.of(), seed)));
                assertTrue(left >= 4 && left <= 12, "" + left);
                assertEquals(List.of("first", "second"), world.roles());
                String mover = "first";
                while (left > 1) {
                    var seen = (Step.Observe) say(world, "1");
                    String other = mover.equals("first") ? "second" : "first";
                    assertEquals(other, seen.role());
                    assertEquals(--left, left(seen));
                    mover = other;
                }
                assertInstanceOf(Step.Done.class, say(world, "1"));
                String loser = mover.equals("first") ? "second" : "first";
                assertEquals(Map.of(mover, 1.0, loser, -1.0), world.rewards(null));
            }
        }
    }

    @Test
    void whoBreaksTheRulesLosesAndNobodyWins() throws Exception {
        for (String wrong : List.of("0", "4", "", "two", "2 2")) {
            try (Environment world = make()) {
                world.reset(start(Map.of(), 1));
                say(world, "1");
                assertInstanceOf(Step.Done.class, say(world, wrong));
                assertEquals(Map.of("second", -1.0, "first", 0.0), world.rewards(null));
            }
        }
    }

    @Test
    void heldOutGamesAreWonByNoErrorAlone() throws Exception {
        for (int stones : new int[] {5, 6, 7, 9, 10, 11}) {
            for (long seed = 0; seed < 20; seed++) {
                assertEquals(1.0, against(stones, seed, true), stones + " stones");
                assertEquals(0.0, against(stones, seed, false), stones + " stones");
            }
        }
    }

    /// @param isPerfect else the first move leaves no multiple of four
    /// @return what the first player gets
    private static double against(int stones, long seed, boolean isPerfect) throws Exception {
        try (Environment world = make()) {
            int left = left(world.reset(start(Map.of("stones", (long) stones), seed)));
            assertEquals(stones, left);
            assertEquals(List.of("first"), world.roles());
            int take = isPerfect ? left % 4 : 1 + left % 4 % 3;
            Step step = say(world, Integer.toString(take));
            while (step instanceof Step.Observe seen) {
                assertEquals("first", seen.role());
                left = left(seen);
                step = say(world, Integer.toString(left % 4 == 0 ? 1 : left % 4));
            }
            return world.rewards(null).get("first");
        }
    }
}
