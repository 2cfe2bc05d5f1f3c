package org.attune.agents.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Step;
import org.attune.agents.spec.RunTools;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// A program whose environment has roles.
final class WireRolesTest {
    private static final EpisodeStart START =
            new EpisodeStart(new EpisodeId(0, 0), Map.of(), 7, 0, 0);
    private static final ParsedTurn TURN =
            new ParsedTurn(Message.of("assistant", "hm"), List.of(), List.of(), false);

    @TempDir private Path folder;

    private RunTools program(String roles) throws IOException {
        Path script =
                Files.writeString(
                        folder.resolve("duel.sh"),
                        """
                        while read -r line; do
                          case "$line" in
                            *'"list"'*) echo '{"tools": [], "answers": ["step", "reward"], "roles": %s}' ;;
                            *'"reset"'*) echo '{"result": null}' ;;
                            *'"turn": 0'*) echo '{"result": "go", "role": "white", "reward": 0.5}' ;;
                            *'"step"'*) echo '{"result": "again", "role": "black", "anew": true}' ;;
                            *) echo '{"reward": 2, "rewards": {"white": 1, "black": -1}}' ;;
                          esac
                        done
                        """
                                .formatted(roles));
        return RunTools.parse(
                null, Map.of("duel", Map.of("command", List.of("sh", script.toString()))), folder);
    }

    @Test
    void aProgramsRolesSpeakAndAreRewarded() throws Exception {
        try (RunTools run = program("{\"white\": \"You are white.\", \"black\": \"\"}");
                Environment duel = run.environments().get("duel").make()) {
            duel.reset(START);
            assertEquals(List.of("white", "black"), duel.roles());
            assertEquals("You are white.", duel.systemPrompt("white"));
            List<Message> go = List.of(Message.of("user", "go"));
            assertEquals(new Step.Observe(go, 0.5, "white", false), duel.step(TURN, 0));
            List<Message> again = List.of(Message.of("user", "again"));
            assertEquals(new Step.Observe(again, 0, "black", true), duel.step(TURN, 1));
            var episode =
                    new Episode(
                            START,
                            List.of(),
                            new int[1],
                            List.of(),
                            EndReason.ENVIRONMENT_DONE,
                            Map.of(),
                            Map.of());
            assertEquals(OptionalDouble.of(2), duel.reward(episode));
            assertEquals(Map.of("white", 1.0, "black", -1.0), duel.rewards(episode));
        }
    }

    @Test
    void rolesWithoutPromptsAreRefused() throws Exception {
        try (RunTools run = program("[\"white\"]");
                Environment duel = run.environments().get("duel").make()) {
            String message = assertThrows(IOException.class, () -> duel.reset(START)).getMessage();
            assertTrue(message.contains("lists roles that are no"), message);
        }
    }
}
