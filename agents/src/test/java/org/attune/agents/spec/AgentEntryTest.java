package org.attune.agents.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

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
                new AgentProgram(
                        List.of("java", "-jar", "a.jar"), HERE, Map.of(), Duration.ofMillis(1500)),
                AgentEntry.parse(
                        Map.of("command", List.of("java", "-jar", "a.jar"), "timeout", 1.5), HERE));
        assertEquals(
                new AgentProgram(List.of("agent"), HERE, Map.of(), Duration.ofMinutes(10)),
                AgentEntry.parse(Map.of("command", "agent"), HERE));
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
