package org.attune.examples.agents;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import org.attune.agents.gateway.AgentEnd;
import org.attune.agents.gateway.AgentHost;
import org.attune.agents.gateway.AgentProgram;
import org.attune.agents.gateway.AgentRequests.Event;
import org.attune.agents.gateway.ModelReply;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.text.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// The program in `examples/agents` plays against answers that stand fast.
@Timeout(180)
final class GuessAgentTest {
    @Test
    void itAsksUntilTheNumberIsFound() throws Exception {
        Path folder = Path.of(System.getProperty("attune.root", "..")).resolve("examples/agents");
        var program =
                new AgentProgram(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:TieredStopAtLevel=1",
                                "GuessAgent.java"),
                        folder,
                        Map.of(),
                        Duration.ofMinutes(2));
        var start = new EpisodeStart(new EpisodeId(0, 0), Map.of("number", 7L), 1, 0, 0);
        List<String> heard = new ArrayList<>();
        try (AgentHost host = AgentHost.open(program);
                AgentHost.Work work = host.start(start, List.of())) {
            for (String guess : List.of("12", "My guess:\n\"7\"")) {
                var asked = assertInstanceOf(Event.Asked.class, work.requests().take());
                heard.add(asked.request().messages().getLast().content());
                asked.reply()
                        .answer(
                                new ModelReply(
                                        Message.of("assistant", guess), List.of(), true, 9, 2));
            }
            assertEquals(
                    new Event.Ended(new AgentEnd(OptionalDouble.of(1), Map.of("guesses", 2L))),
                    work.requests().take());
        }
        assertEquals(
                List.of("Guess my number between 1 and 15. Answer with a number alone.", "lower"),
                heard);
    }
}
