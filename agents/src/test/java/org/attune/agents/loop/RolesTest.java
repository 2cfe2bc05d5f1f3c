package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.episode.Turn;
import org.attune.error.RolloutException;
import org.attune.text.parse.ParsedTurn;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// Episodes in which several roles speak: who reads what, and who gets what.
final class RolesTest {
    private final ToyChat toy = new ToyChat();

    RolesTest() {
        toy.config = toy.config.withRoles(true);
    }

    /// White and black answer each other; who says "mate" wins.
    private static class Duel implements Environment {
        @Override
        public Opening reset(EpisodeStart start) {
            return Opening.appended(" Begin.");
        }

        @Override
        public List<String> roles() {
            return List.of("white", "black");
        }

        @Override
        public String systemPrompt(String role) {
            return "You are " + role + ".";
        }

        private int moves;

        @Override
        public Step step(ParsedTurn turn, int index) {
            moves++;
            String said = turn.message().content();
            String next = moves % 2 == 0 ? "white" : "black";
            return said.equals("mate")
                    ? new Step.Done(0.25, true)
                    : Step.observe(next, "heard " + said, 0.5);
        }

        @Override
        public OptionalDouble reward(Episode episode) {
            return OptionalDouble.of(10);
        }

        @Override
        public Map<String, Double> rewards(Episode episode) {
            return moves % 2 == 1
                    ? Map.of("white", 1.0, "black", -1.0)
                    : Map.of("white", -1.0, "black", 1.0);
        }
    }

    private Episode duel() {
        return toy.play(ToyChat.environment(Duel::new), List.of(List.of("a", "c", "e", "mate")))
                .getFirst();
    }

    /// The scripted sampler counts turns of each sequence; the second role's is another sequence.
    private Episode play(Environment environment, List<String> turns) {
        List<String> left = new ArrayList<>(turns);
        return toy.play(
                        ToyChat.environment(() -> environment),
                        1,
                        (_, _) -> toy.tokens.encode(left.removeFirst() + ToyChat.END, false))
                .getFirst();
    }

    private static String user(String text) {
        return "<|start|>user\n" + text + "<|end|>\n<|start|>assistant\n";
    }

    private static String system(String role) {
        return "<|start|>system\nYou are " + role + ".<|end|>\n";
    }

    @Test
    void eachRoleReadsItsOwnConversation() {
        Episode episode = play(new Duel(), List.of("a", "b", "c", "mate"));
        assertEquals(EndReason.ENVIRONMENT_DONE, episode.end());
        assertEquals(
                List.of("white", "black", "white", "black"),
                episode.turns().stream().map(Turn::role).toList());
        assertEquals(
                List.of(0, 1, 0, 1), episode.turns().stream().map(Turn::conversation).toList());
        assertEquals(system("white") + user("Say 0 Begin."), toy.text(episode.promptIds()));
        List<String> contexts =
                episode.turns().stream().map(t -> t.context().map(toy::text).orElse("")).toList();
        assertEquals("", contexts.getFirst());
        assertEquals(system("black") + user("Say 0\n\nheard a"), contexts.get(1));
        assertEquals(
                system("white") + user("Say 0 Begin.") + "a<|end|>\n" + user("heard b"),
                contexts.get(2));
        assertEquals(
                system("black") + user("Say 0\n\nheard a") + "b<|end|>\n" + user("heard c"),
                contexts.get(3));
        // What the sampler had read is what is kept, and a role's sequence goes on.
        for (int i = 0; i < 4; i++) {
            int[] seen = toy.sampler.seen.get(i);
            int[] context = episode.turns().get(i).context().orElse(episode.promptIds());
            int[] ids = episode.turns().get(i).ids();
            int[] whole = java.util.Arrays.copyOf(context, context.length + ids.length);
            System.arraycopy(ids, 0, whole, context.length, ids.length);
            assertArrayEquals(whole, seen);
        }
        assertEquals(2, episode.rows().size());
        assertEquals(
                "a<|end|>\n" + user("heard b") + "c<|end|>", toy.text(episode.rows().get(0).ids()));
        assertEquals(4, episode.rows().get(0).ownTokens());
    }

    @Test
    void theLastTurnOfARoleGetsWhatTheRoleGets() {
        Episode episode = play(new Duel(), List.of("a", "b", "c", "mate"));
        assertEquals(
                List.of(0.5, 0.5, -0.5, 1.25), episode.turns().stream().map(Turn::reward).toList());
        assertEquals(Map.of("toy", OptionalDouble.of(10)), episode.rewards());
    }

    /// Else a game that is cut would count as one that nobody judges.
    @Test
    void whoRewardsRolesJudgesTheEpisode() {
        var silent =
                new Duel() {
                    @Override
                    public OptionalDouble reward(Episode episode) {
                        return OptionalDouble.empty();
                    }
                };
        Episode episode = play(silent, List.of("a", "mate"));
        assertEquals(Map.of("toy", OptionalDouble.of(0)), episode.rewards());
    }

    /// A proposer's turn, then three tries of a solver.
    private static final class Tries implements Environment {
        private int tries;

        @Override
        public Opening reset(EpisodeStart start) {
            return Opening.NOTHING;
        }

        @Override
        public List<String> roles() {
            return List.of("proposer", "solver");
        }

        @Override
        public Step step(ParsedTurn turn, int index) {
            return tries++ == 3 ? new Step.Done(3, true) : Step.begin("solver", "task", tries - 1);
        }

        @Override
        public Map<String, Double> rewards(Episode episode) {
            return Map.of("proposer", 0.5);
        }
    }

    @Test
    void aConversationThatBeginsAnewKnowsOfNoOther() {
        Episode episode = play(new Tries(), List.of("p", "x", "y", "z"));
        assertEquals(
                List.of(0, 1, 2, 3), episode.turns().stream().map(Turn::conversation).toList());
        for (int i = 1; i < 4; i++) {
            assertEquals(
                    user("Say 0\n\ntask"),
                    toy.text(episode.turns().get(i).context().orElseThrow()));
        }
        assertEquals(
                List.of(0.5, 1.0, 2.0, 3.0), episode.turns().stream().map(Turn::reward).toList());
        assertEquals(4, episode.rows().size());
    }

    @Test
    void aRunThatTellsNoRolesApartIsRefused() {
        toy.config = toy.config.withRoles(false);
        String message = assertThrows(RolloutException.class, this::duel).getMessage();
        assertEquals(
                "environment toy has the roles [white, black], whose rewards differ; accepted: one"
                        + " speaker, or grpo with credit: roles",
                message);
    }

    @Test
    void aRoleThatThereIsNotIsTheWorldsFailure() {
        toy.config = toy.config.withMaxFailedEpisodes(1);
        Environment wrong =
                new Duel() {
                    @Override
                    public Map<String, Double> rewards(Episode episode) {
                        return Map.of("withe", 1.0);
                    }
                };
        Episode episode = play(wrong, List.of("mate", "mate", "mate"));
        assertEquals(EndReason.FAILED, episode.end());
        assertTrue(episode.turns().stream().allMatch(t -> t.reward() <= 0.25));
    }
}
