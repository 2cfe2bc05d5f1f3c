package org.attune.agents.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.gateway.AgentProgram;
import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

class AgentEntryTest {
    private static final Path HERE = Path.of(".");

    @Test
    void everyKeyMaps() {
        assertEquals(
                new AgentProgram(List.of("sh", "-c", "a"), HERE, Map.of(), Duration.ofMillis(1500)),
                AgentEntry.parse(
                        Map.of("command", List.of("sh", "-c", "a"), "timeout", 1.5), HERE));
        assertEquals(
                new AgentProgram(List.of("sh"), HERE, Map.of(), Duration.ofMinutes(10)),
                AgentEntry.parse(Map.of("command", "sh"), HERE));
    }

    @Test
    void aProgramThatIsNotThereIsToldAtTheStart() {
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> AgentEntry.parse(Map.of("command", "no-such-agent"), HERE))
                        .getMessage();
        assertTrue(
                message.startsWith(
                        "agent: command: there is no program \"no-such-agent\" in the folders"),
                message);
    }

    @Test
    void whatIsWrongIsRefusedTogether() {
        ConfigException e =
                assertThrows(
                        ConfigException.class,
                        () -> AgentEntry.parse(Map.of("timeout", -1, "colour", "red"), HERE));
        assertEquals(
                "agent: command must name a program, as [python, tools.py]; timeout must be a"
                    + " positive number of seconds, got -1.0; \"colour\" is no parameter; known are"
                    + " command, timeout, env",
                e.getMessage());
        assertThrows(ConfigException.class, () -> AgentEntry.parse("agent", HERE));
    }
}
