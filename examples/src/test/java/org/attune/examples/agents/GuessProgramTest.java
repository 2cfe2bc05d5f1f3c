package org.attune.examples.agents;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.spec.RunTools;
import org.attune.agents.tool.ToolCaller;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// The program of `examples/agents/guess.py`, played by halving.
@Timeout(120)
final class GuessProgramTest {
    private static final EpisodeStart START =
            new EpisodeStart(new EpisodeId(0, 0), Map.of(), 42, 0, 0);

    @BeforeEach
    void pythonIsThere() {
        boolean isThere =
                List.of(System.getenv("PATH").split(":")).stream()
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "python3")));
        assumeTrue(isThere, "python3 is not installed");
    }

    @Test
    void halvingFindsTheNumber() throws Exception {
        Path folder = Path.of(System.getProperty("attune.root", "..")).resolve("examples/agents");
        Map<String, Object> environments =
                Map.of("guess", Map.of("command", List.of("python3", "guess.py")));
        try (RunTools run = RunTools.parse(null, environments, folder);
                var caller = new ToolCaller();
                Environment game = run.environments().get("guess").make()) {
            assertEquals(Opening.NOTHING, game.reset(START));
            long low = 1;
            long high = 15;
            String said = "";
            for (int turn = 0; !said.equals("found") && turn < 4; turn++) {
                long middle = (low + high) / 2;
                var call = new ToolCall(Optional.empty(), "guess", Map.of("number", middle), "");
                said = caller.call(game.tools(), List.of(call), START, turn).getFirst().text();
                low = said.equals("higher") ? middle + 1 : low;
                high = said.equals("lower") ? middle - 1 : high;
            }
            assertEquals("found", said);
            var wrong = new ToolCall(Optional.empty(), "guess", Map.of("number", 99L), "");
            assertEquals(
                    "error: the number is from 1 to 15",
                    caller.call(game.tools(), List.of(wrong), START, 4).getFirst().text());
            var episode =
                    new Episode(
                            START,
                            List.of(),
                            new int[0],
                            List.of(),
                            EndReason.ENVIRONMENT_DONE,
                            Map.of(),
                            Map.of());
            assertEquals(OptionalDouble.of(1), game.reward(episode));
            assertTrue(game.state().containsKey("guesses"), game.state().toString());
        }
    }
}
