package org.attune.agents.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import org.attune.agents.gateway.AgentRequests.Event;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.text.Message;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

final class AgentHostTest {
    @Test
    void aProgramReadsItsPromptAndItsRow() throws Exception {
        var program =
                new AgentProgram(
                        List.of(
                                "sh",
                                "-c",
                                "read -r row; printf '{\"reward\": 1, \"row\": %s}\\n' \"$row\""),
                        Path.of("."),
                        Map.of(),
                        Duration.ofMinutes(1));
        var start = new EpisodeStart(new EpisodeId(0, 0), Map.of("answer", "42"), 7, 0, 0);
        List<Message> prompt = List.of(Message.of("user", "What is 6 x 7?"));
        try (AgentHost host = AgentHost.open(program);
                AgentHost.Work work = host.start(start, prompt)) {
            var ended = assertInstanceOf(Event.Ended.class, work.requests().take());
            assertEquals(
                    Map.of(
                            "prompt",
                            List.of(Map.of("role", "user", "content", "What is 6 x 7?")),
                            "answer",
                            "42"),
                    ended.end().state().get("row"));
        }
    }
}
