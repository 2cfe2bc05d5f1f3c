package org.attune.agents.spec;

import org.attune.agents.gateway.AgentProgram;
import org.attune.agents.wire.WireParameters;
import org.attune.error.ConfigException;
import org.attune.reward.builtin.Parameters;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads the value of `agent`, a program that leads episodes:
/// `{command: [java, -jar, my-agent.jar], timeout: 600}`.
public final class AgentEntry {
    private static final double DEFAULT_SECONDS = 600;

    private AgentEntry() {}

    /// @param value a map, as a YAML reader gives it
    /// @param directory of the run's file, in which the program runs
    /// @throws ConfigException with all that is wrong
    public static AgentProgram parse(Object value, Path directory) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new ConfigException(
                    "agent must be a map with a command, as {command: [java, -jar, my-agent.jar]},"
                            + " got "
                            + value);
        }
        Map<String, Object> given = new LinkedHashMap<>();
        map.forEach((key, one) -> given.put(String.valueOf(key), one));
        var parameters = new Parameters("agent", given);
        List<String> command = WireParameters.command(parameters, directory);
        double seconds = parameters.number("timeout", DEFAULT_SECONDS);
        if (!(seconds > 0)) {
            parameters.problem("timeout must be a positive number of seconds, got " + seconds);
        }
        Map<String, String> environment = parameters.variables("env");
        parameters.check();
        return new AgentProgram(
                command,
                directory,
                environment,
                Duration.ofMillis(Math.max(1, Math.round(seconds * 1000))));
    }
}
