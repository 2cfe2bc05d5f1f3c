package org.attune.agents.gateway;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// A program that is an agent. It is started for each episode, with its row as one line of JSON on
/// its input, and with `OPENAI_BASE_URL` and `OPENAI_API_KEY`, by which it asks the policy.
///
/// @param command program and arguments
/// @param directory in which it runs
/// @param environment its variables beside those of this process
/// @param timeout from its start to its end; a program that takes longer is ended, and counts as
///     failed
@Api(EXPERIMENTAL)
public record AgentProgram(
        List<String> command, Path directory, Map<String, String> environment, Duration timeout) {
    public AgentProgram {
        command = List.copyOf(command);
        environment = Map.copyOf(environment);
        if (command.isEmpty()) {
            throw new IllegalArgumentException("the command of an agent names no program");
        }
        if (!timeout.isPositive()) {
            throw new IllegalArgumentException(
                    "the timeout of an agent must be positive, got " + timeout);
        }
    }
}
