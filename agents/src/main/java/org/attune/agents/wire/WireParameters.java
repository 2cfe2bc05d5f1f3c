package org.attune.agents.wire;

import org.attune.agents.tool.ToolLimits;
import org.attune.files.GivenPath;
import org.attune.program.GivenPrograms;
import org.attune.program.ProgramSearch;
import org.attune.reward.builtin.Parameters;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// What a run's file says of a program or a server.
///
/// @param source where it is
/// @param isPerEpisode whether each episode has another connection, for a program another process
/// @param limits of a call; the connection limits its time, so that waiting for the calls of others
///     doesn't count
public record WireParameters(WireSource source, boolean isPerEpisode, ToolLimits limits) {
    /// The value of `per` by which one program serves all episodes, unless the file says otherwise.
    public static final String RUN = "run";

    /// The value of `per` by which each episode has a program, unless the file says otherwise.
    public static final String EPISODE = "episode";

    private static final double DEFAULT_SECONDS = 30;
    private static final int DEFAULT_CHARACTERS = 1 << 16;
    private static final int LEAST_CHARACTERS = 100;

    /// Reads `command` with `env`, or `url` with `api_key`; `per`, `timeout`, `slowness` and
    /// `max_characters`.
    ///
    /// @param directory in which programs run
    /// @param usually [#RUN] or [#EPISODE]
    /// @throws org.attune.error.ConfigException with all that is wrong
    public static WireParameters read(Parameters parameters, Path directory, String usually) {
        Duration timeout = timeout(parameters);
        boolean isPerEpisode =
                parameters
                        .choice("per", usually, usually.equals(RUN) ? EPISODE : RUN)
                        .equals(EPISODE);
        boolean isProgram = parameters.has("command");
        WireSource source =
                isProgram
                        ? new WireSource.Program(
                                command(parameters, directory),
                                directory,
                                parameters.variables("env"),
                                timeout)
                        : server(parameters, timeout);
        ToolLimits limits = limits(parameters);
        parameters.check();
        return new WireParameters(source, isPerEpisode, limits);
    }

    /// Reads `timeout`, in seconds.
    public static Duration timeout(Parameters parameters) {
        double seconds = parameters.number("timeout", DEFAULT_SECONDS);
        if (!(seconds > 0)) {
            parameters.problem("timeout must be a positive number of seconds, got " + seconds);
            return Duration.ofSeconds(1);
        }
        return Duration.ofMillis(Math.max(1, Math.round(seconds * 1000)));
    }

    /// Reads `max_characters` of a result, and `slowness`: `world`, or `model` if a call that takes
    /// too long is the model's doing.
    public static ToolLimits limits(Parameters parameters) {
        return new ToolLimits(
                Duration.ofDays(1),
                parameters.choice("slowness", "world", "model").equals("model"),
                parameters.integer("max_characters", DEFAULT_CHARACTERS, LEAST_CHARACTERS));
    }

    /// Reads `command`: a program and its arguments, as a list, or a text that is split at spaces.
    /// A program that can't be started is a problem; the log tells of it before it runs.
    ///
    /// @param directory in which it runs
    public static List<String> command(Parameters parameters, Path directory) {
        List<String> command =
                parameters.object("command") instanceof String text
                        ? List.of(text.strip().split("\\s+"))
                        : parameters.texts("command", List.of());
        if (command.isEmpty() || command.getFirst().isBlank()) {
            parameters.problem("command must name a program, as [python, tools.py]");
            return List.of("none");
        }
        ProgramSearch.problem(command.getFirst(), directory)
                .ifPresent(problem -> parameters.problem("command: " + problem));
        GivenPrograms.tell(parameters.owner(), command, directory);
        return command;
    }

    private static WireSource server(Parameters parameters, Duration timeout) {
        Optional<String> key =
                parameters.has("api_key")
                        ? Optional.of(GivenPath.expand(parameters.text("api_key", "")))
                        : Optional.empty();
        return new WireSource.Server(url(parameters, "url"), timeout, key);
    }

    /// Reads an address.
    public static URI url(Parameters parameters, String key) {
        String text = parameters.requiredText(key);
        try {
            URI url = URI.create(text);
            if (url.getHost() != null && List.of("http", "https").contains(url.getScheme())) {
                return url;
            }
        } catch (IllegalArgumentException e) {
            // told below
        }
        parameters.problem(
                "%s must be as http://localhost:8000/tools, got %s".formatted(key, text));
        return URI.create("http://localhost:80");
    }
}
